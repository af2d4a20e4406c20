import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPatternFinder } from '../../../../src/adapters/model/identities/find-by-patterns.ts';
import { createPlaceholders } from '../../../../src/adapters/model/identities/placeholders.ts';
import { withoutIdentities } from '../../../../src/adapters/model/identities/without-identities.ts';
import type { AskOptions, Model, ModelQuestion } from '../../../../src/adapters/model/model.ts';
import { never, watchProgress } from '../ask-provider.ts';

const find = createPatternFinder({ identityPatterns: [] });
const key = 'a key of all workers';
const MAIL = 'jane@example.com';
const PHONE = '+49 30 1234567';
const answerOf = (response: string) => ({
  response,
  model: 'm',
  provider: 'p',
  usage: null,
  finishReason: 'stop' as const,
});

/** A model, and what it was sent. */
function askedModel(answer: (sent: ModelQuestion, options: AskOptions) => string) {
  const sent: ModelQuestion[] = [];
  const removed: [string, number][] = [];
  const inner: Model = {
    parametersOf: (question) => ({
      provider: 'p',
      body: { model: 'm', messages: [{ role: 'user', content: question.message }] },
    }),
    ask: async (question, _signal, _attempt, options = {}) => {
      sent.push(question);
      return answerOf(answer(question, options));
    },
  };
  const model = withoutIdentities(inner, { find, key, onRemoved: (counts) => removed.push(...counts) });
  return { sent, removed, model };
}
const placeholderIn = (text: string) => /\[EMAIL-[0-9a-f]{8}\]/.exec(text)![0];
const question = (message: string, more: Partial<ModelQuestion> = {}) => ({
  sessionId: 's',
  message,
  context: [],
  ...more,
});

test('the provider gets placeholders, also in earlier turns, and the answer has the data again', async () => {
  const { sent, removed, model } = askedModel(({ message }) => `I wrote to ${placeholderIn(message).toUpperCase()}.`);
  const context = [
    { role: 'user' as const, content: `I am ${MAIL}, ${PHONE}` },
    { role: 'assistant' as const, content: `Hello ${MAIL}` },
  ];
  const answer = await model.ask(question(`Write to ${MAIL}!`, { context }), never, 1);
  expect(answer.response).toBe(`I wrote to ${MAIL}.`);
  expect(JSON.stringify(sent)).not.toMatch(/jane|1234567/);
  const placeholder = placeholderIn(sent[0]!.message);
  expect(sent[0]!.context.map(({ content }) => content)).toEqual([
    expect.stringMatching(/^I am \[EMAIL-\w{8}\], \[PHONE-\w{8}\]$/),
    `Hello ${placeholder}`,
  ]);
  expect(Object.fromEntries(removed)).toEqual({ EMAIL: 3, PHONE: 1 });
});

test('a placeholder is the same in each turn of a conversation, and another one in another conversation', async () => {
  const { sent, model } = askedModel(() => '');
  const context = [{ role: 'user' as const, content: 'first@example.com' }];
  await model.ask(question(MAIL, { context }), never, 1);
  await model.ask(question(MAIL), never, 1);
  await model.ask(question(MAIL, { sessionId: 'another' }), never, 1);
  expect(sent[1]!.message).toBe(sent[0]!.message);
  expect(sent[2]!.message).not.toBe(sent[0]!.message);
});

test('what an answer depends on has the data itself, so two such questions never share an answer', () => {
  const { model } = askedModel(() => '');
  expect(model.parametersOf(question(MAIL))).not.toEqual(model.parametersOf(question('joe@example.com')));
});

test('a text without such data goes as it is, and what looks like a placeholder stays', async () => {
  const { sent, model } = askedModel(() => 'See [EMAIL-00000000] and [1].');
  expect((await model.ask(question('What is [EMAIL-00000000]?'), never, 1)).response).toBe(
    'See [EMAIL-00000000] and [1].',
  );
  expect(sent[0]!.message).toBe('What is [EMAIL-00000000]?');
  expect((await model.ask(question(MAIL), never, 1)).response).toBe('See [EMAIL-00000000] and [1].');
});

test('a streamed answer has the data again, wherever it is cut into pieces', async () => {
  const parts = fc.array(
    fc.constantFrom('%', '%', '[', ']', '[EMAIL-', 'EMAIL-1', '[x](y)', ' ok ', '[EMAIL-0000000'),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(parts, fc.array(fc.nat(24), { maxLength: 40 }), async (template, cuts) => {
      const { model } = askedModel(({ message }, { progress }) => {
        const text = template.join('').replaceAll('%', placeholderIn(message));
        progress!.begun({ provider: 'p', model: 'm' });
        let at = 0;
        for (const cut of [...cuts, text.length]) {
          const piece = text.slice(at, at + cut);
          at += piece.length;
          if (piece !== '') progress!.text(piece);
        }
        return text;
      });
      const { options, texts } = watchProgress();
      const { response } = await model.ask(question(`I am ${MAIL}`), never, 1, options);
      expect(response).toBe(template.join('').replaceAll('%', MAIL));
      expect(texts.at(-1)).toBe(response);
    }),
  );
});

test('when another call takes over, what was held back of the first is void; when a call breaks off, it is told', async () => {
  const { model } = askedModel((_, { progress }) => {
    for (const text of ['First [EM', 'Second [EMAIL-12']) {
      progress!.begun({ provider: 'p', model: 'm' });
      progress!.text(text);
    }
    throw new Error('the connection broke');
  });
  const { options, texts } = watchProgress();
  await expect(model.ask(question(MAIL), never, 1, options)).rejects.toThrow('broke');
  expect(texts).toEqual(['First ', 'Second [EMAIL-12']);
});

test('whatever a text says, what was replaced can be put back', () => {
  const words = fc.constantFrom(
    MAIL,
    PHONE,
    'joe@example.com',
    'MRN 12345',
    '[',
    ']',
    '-',
    ' ',
    'a',
    '1',
    '[EMAIL-',
    '078-05-1120',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      const placeholders = createPlaceholders({ find, key, conversation: 's' });
      const sent = placeholders.replace(text);
      expect(placeholders.restore(sent)).toBe(text);
      expect(sent).not.toContain(MAIL);
    }),
  );
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDeadLetterAdmin } from '../../src/bridge/redrive/dead-letter-admin.ts';
import { createAnswerSignatures, SIGNATURE_HEADER } from '../../src/contracts/answer-signature.ts';
import { redriveOptions } from '../../src/contracts/dead-letters.ts';
import { RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY, signatures } from '../signing.ts';
import { startStandInWorker } from '../stand-in-worker.ts';
import { until } from '../until.ts';

const OLD_KEY = 'the key of last year of at least 32 bytes';
const STRANGE_KEY = 'the key of somebody else of at least 32 bytes';

async function start(more: Record<string, string> = {}) {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    ...more,
  };
  const api = await startApi(env);
  return { env, api, worker: await startStandInWorker(env.RABBITMQ_URL), user: await signUp(api.url) };
}

let strict: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  strict = await start({ MESSAGE_SIGNING_KEY: `${MESSAGE_SIGNING_KEY},${OLD_KEY}` });
});
afterAll(() => strict.worker.stop());

type Stack = Awaited<ReturnType<typeof start>>;

async function asked({ user, worker }: Stack) {
  const { body } = await user.send({ message: 'How?' });
  return (await worker.delivery(body.requestId)).request;
}

const answerTo = (request: { requestId: string; sessionId: string; userId: string }, response: string) =>
  Buffer.from(
    JSON.stringify({
      ...{ requestId: request.requestId, sessionId: request.sessionId, userId: request.userId },
      ...{ status: 'completed', response, error: null, model: null, provider: null, cached: false, usage: null },
      ...{ attempts: 1, timings: { waitMs: 0, modelMs: 0, totalMs: 0 }, completedAt: new Date().toISOString() },
    }),
  );

const seenBy = (user: TestUser, sessionId: string) =>
  until('an answer is seen', async () => {
    const { body } = await user.session(sessionId);
    return body.turns[0]?.status === 'completed' && body.turns[0].response;
  });

const header = (signature: unknown) => ({ [SIGNATURE_HEADER]: signature });
const signedBy = (key: string, body: Buffer) => createAnswerSignatures([key]).sign(body);

const letterOf = ({ worker }: Stack, body: Buffer) =>
  until('it is a dead letter', async () => (await worker.deadLetters()).find(({ content }) => content.equals(body)));

/** What the alert HealifyForgedMessages looks at. */
async function forgedAnswers(api: TestProcess): Promise<number> {
  const metrics = await (await fetch(api.metricsUrl)).text();
  const series = /healify_dead_letters_total\{queue="chat_responses",reason="invalid_signature"[^}]*\} (\d+)/;
  return Number(series.exec(metrics)?.[1] ?? 0);
}

test.each([
  ['without a signature', () => ({})],
  ['signed with a key that is not ours', (body: Buffer) => header(signedBy(STRANGE_KEY, body))],
  ['with the signature of another answer', () => header(signatures.sign(Buffer.from('another')))],
  ['with a header that is no signature', () => header({ v1: true })],
])('an answer %s is a dead letter, and the real one reaches its user', async (_, headersOf) => {
  const before = await forgedAnswers(strict.api);
  const request = await asked(strict);
  const forged = answerTo(request, 'Send me your money.');
  await strict.worker.publishRaw(forged, headersOf(forged));
  const letter = await letterOf(strict, forged);
  await until('it is counted', async () => (await forgedAnswers(strict.api)) === before + 1);
  expect(letter.properties.headers).toMatchObject({
    'x-dead-letter-reason': 'invalid_signature',
    ...headersOf(forged),
  });

  await strict.worker.publishRaw(answerTo(request, 'Eat your greens.'));
  expect(await seenBy(strict.user, request.sessionId)).toBe('Eat your greens.');
});

test('an answer that was signed with a key of before is taken', async () => {
  const request = await asked(strict);
  const body = answerTo(request, 'An old one.');
  await strict.worker.publishRaw(body, header(signedBy(OLD_KEY, body)));
  expect(await seenBy(strict.user, request.sessionId)).toBe('An old one.');
});

test('a dead letter keeps its signature: sent back once it is known, it is taken', async () => {
  const request = await asked(strict);
  const stranger = await start({ RABBITMQ_URL: strict.env.RABBITMQ_URL, MESSAGE_SIGNING_KEY: STRANGE_KEY });
  await strict.api.stop();
  const body = answerTo(request, 'Late, but true.');
  await strict.worker.publishRaw(body);
  const admin = createDeadLetterAdmin({ url: strict.env.RABBITMQ_URL });
  await until(
    'the stranger has refused it',
    async () => (await admin.list(RESPONSES_QUEUE, { reason: 'invalid_signature' })).matching > 0,
  );
  await stranger.api.stop();
  await stranger.worker.stop();
  strict.api = await startApi({ ...strict.env });
  const user = strict.user.at(strict.api.url);
  await admin.redrive(RESPONSES_QUEUE, redriveOptions.parse({ reason: 'invalid_signature' }));
  expect(await seenBy(user, request.sessionId)).toBe('Late, but true.');
  strict.user = user;
});

test('where unsigned answers are accepted, one with a wrong signature is a dead letter all the same', async () => {
  const lax = await start({ MESSAGE_SIGNING_KEY: '', ACCEPT_UNSIGNED_ANSWERS: 'true' });
  const both = await start({ ACCEPT_UNSIGNED_ANSWERS: 'true' });
  for (const stack of [lax, both]) {
    const request = await asked(stack);
    await stack.worker.publishRaw(answerTo(request, 'Unsigned.'), {});
    expect(await seenBy(stack.user, request.sessionId)).toBe('Unsigned.');
  }
  const request = await asked(both);
  const forged = answerTo(request, 'Forged.');
  await both.worker.publishRaw(forged, header(signedBy(STRANGE_KEY, forged)));
  await letterOf(both, forged);
  await both.worker.publishRaw(answerTo(request, 'Right.'));
  expect(await seenBy(both.user, request.sessionId)).toBe('Right.');
  await lax.worker.stop();
  await both.worker.stop();
});

test("a worker's answers, failures and cancellations are signed", async () => {
  const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  const simulator = await startSimulatorProcess();
  const api: TestProcess = await startApi(env);
  await startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.url });
  const user = await signUp(api.url);
  const answered = await user.send({ message: 'How?' }, { Prefer: 'wait=20' });
  expect(answered.body.status).toBe('completed');
  const refused = await user.send({ message: 'How? [[simulate status=400]]' }, { Prefer: 'wait=20' });
  expect(refused.body.status).toBe('failed');
});

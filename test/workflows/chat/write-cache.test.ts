import { expect, test } from '@jest/globals';
import type { AnswerCache } from '../../../src/adapters/answers/answer-cache.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { writeCache } from '../../../src/workflows/chat/write-cache.ts';
import { answer, question, standInCache } from '../stand-ins.ts';

const of = { sessionId: 's', userId: 'ann' };
const shared = { question, requestId: 'r' };

async function write(isShared: boolean, operations: Partial<AnswerCache> = {}) {
  const written: unknown[][] = [];
  const cache = standInCache({
    keep: async (...kept) => {
      written.push(kept);
      return kept[2] ? ['other'] : [];
    },
    ...operations,
  });
  return { waiting: await writeCache(cache, of, answer, isShared ? shared : undefined), written };
}

test('an answer is kept for whoever asks the same, and as its session’s last one; those that wait for it are named', async () => {
  const { waiting, written } = await write(true);
  expect(waiting).toEqual(['other']);
  expect(written).toEqual([[of, answer, shared]]);
});

test('an answer that is not to be shared is kept for its session only', async () => {
  const { waiting, written } = await write(false);
  expect(waiting).toEqual([]);
  expect(written).toEqual([[of, answer, undefined]]);
});

test('a cache that is out of reach costs no answer', async () => {
  const away = () => Promise.reject(new StoreUnavailableError('gone'));
  expect((await write(true, { keep: away })).waiting).toBeUndefined();
});

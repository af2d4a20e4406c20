import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type AnswerCache, createAnswerCache } from '../../../src/adapters/answers/answer-cache.ts';
import type { WorkflowState } from '../../../src/adapters/jobs/chat-job.ts';
import { plainCacheKeys } from '../../../src/contracts/cache-keys.ts';
import { ProcessStoppingError, RequestCancelledError } from '../../../src/contracts/errors.ts';
import { plainSeals } from '../../../src/contracts/sealing.ts';
import { answerRequest } from '../../../src/workflows/chat/chat-workflow.ts';
import { createRun } from '../../../src/workflows/engine/run.ts';
import { testRedisUrl } from '../../services.ts';
import { answer, jobData, standInModel, standInWorkflow } from '../stand-ins.ts';

let redis: Redis;
let cache: AnswerCache;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
  cache = createAnswerCache({ redis, keys: plainCacheKeys, keepLast: true, ttlMs: 60_000, maxEntryBytes: 100_000 });
});
beforeEach(() => redis.flushdb());
afterAll(() => {
  cache.close();
  redis.disconnect();
});

/** One attempt at the request, with a model that answers whatever becomes of the request meanwhile. */
function attempt(during: { model?: () => void; save?: () => void }) {
  const controller = new AbortController();
  const saved: WorkflowState[] = [];
  const { workflow, published } = standInWorkflow({
    cache,
    model: standInModel(async () => {
      during.model?.();
      return answer;
    }),
  });
  const run = createRun({
    attempt: 1,
    crashes: 0,
    earlier: undefined,
    save: async (state) => {
      saved.push(structuredClone(state));
      during.save?.();
    },
    onStep: () => {},
  });
  const circumstances = {
    number: 1,
    startedAt: Date.now(),
    deadlineAt: Number.POSITIVE_INFINITY,
    signal: controller.signal,
    seals: plainSeals,
  };
  return { controller, saved, published, answered: () => answerRequest(workflow, jobData(), run, circumstances) };
}

describe('a request that is cancelled', () => {
  test('while the model answers is neither answered nor kept anywhere', async () => {
    const { controller, saved, published, answered } = attempt({
      model: () => controller.abort(new RequestCancelledError()),
    });
    await expect(answered()).rejects.toBeInstanceOf(RequestCancelledError);
    expect(saved).toEqual([]);
    expect(published).toEqual([]);
    expect(await redis.keys('*')).toEqual([]);
  });

  test('while its answer is written down is not answered, and its answer is forgotten', async () => {
    const { controller, published, answered } = attempt({
      save: () => controller.abort(new RequestCancelledError()),
    });
    await expect(answered()).rejects.toBeInstanceOf(RequestCancelledError);
    expect(published).toEqual([]);
    expect(await redis.keys('*')).toEqual([]);
  });
});

test('an answer that came before its process had to stop is kept and published', async () => {
  const { controller, saved, published, answered } = attempt({
    model: () => controller.abort(new ProcessStoppingError()),
  });
  expect((await answered()).response).toBe(answer.response);
  expect(saved.at(-1)!.results).toHaveProperty('ask-model');
  expect(published).toHaveLength(1);
});

test('an answer that a request has waited for while another one asked counts as a model call that was saved', async () => {
  const lookUpOf = async (earlier: Partial<WorkflowState> | undefined) => {
    const { workflow, lookUps } = standInWorkflow({ cache });
    const run = createRun({
      attempt: 1,
      crashes: 0,
      earlier: earlier as WorkflowState | undefined,
      save: async () => {},
      onStep: () => {},
    });
    const deadlineAt = Number.POSITIVE_INFINITY;
    const { signal } = new AbortController();
    await answerRequest(workflow, jobData(), run, {
      number: 1,
      startedAt: Date.now(),
      deadlineAt,
      signal,
      seals: plainSeals,
    });
    return lookUps;
  };
  expect(await lookUpOf(undefined)).toEqual(['miss']);
  expect(await lookUpOf(undefined)).toEqual(['hit']);
  const since = new Date().toISOString();
  const waited = { step: '', results: {}, steps: [], retry: { since, code: 'answer_under_way' } };
  expect(await lookUpOf(waited)).toEqual(['joined']);
});

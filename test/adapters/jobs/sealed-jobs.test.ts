import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type ChatJobResult, jobIdOf, type WorkflowState } from '../../../src/adapters/jobs/chat-job.ts';
import type { JobInHand } from '../../../src/adapters/jobs/job-in-hand.ts';
import { createJobRunner, type JobRunner } from '../../../src/adapters/jobs/runner/job-runner.ts';
import { openState, sealState } from '../../../src/adapters/jobs/sealed-job.ts';
import { createJobAdmin } from '../../../src/adapters/jobs/search/job-admin.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import type { ModelAnswer } from '../../../src/contracts/model-answer.ts';
import { receiveAny, sealMessage } from '../../../src/contracts/sealed-message.ts';
import { plainTexts, type Sealed, sealedOnce, type TextSeals } from '../../../src/contracts/sealing.ts';
import { captureLog } from '../../captured-log.ts';
import { textOf } from '../../redis-text.ts';
import { testSeals } from '../../test-seals.ts';
import { until } from '../../until.ts';
import { newJob } from './runner/new-job.ts';
import { openQueue } from './runner/queue-around.ts';

const MARKER = 'a secret illness';
const question = (requestId: string) => {
  const job = newJob(requestId);
  return {
    ...job,
    request: { ...job.request, message: `Is it ${MARKER}?`, context: [{ role: 'user' as const, content: MARKER }] },
  };
};
const stateWith = (answer: string): WorkflowState => ({
  ...{ step: 'ask-model', attempt: 1, crashes: 0, steps: [{ step: 'ask-model', attempt: 1, ms: 1 }] },
  results: { 'ask-model': { answer } },
});

let around: Awaited<ReturnType<typeof openQueue>>;
let redis: Redis;
let seals: TextSeals;
const runners: JobRunner[] = [];
const connections: Redis[] = [];
beforeEach(async () => {
  around = await openQueue();
  ({ redis } = around);
  seals = testSeals(redis);
});
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.stop(0, () => {})));
  await around.close();
  for (const connection of connections.splice(0)) connection.disconnect();
});

/** A worker. What it works on is pushed to `worked`. */
function startRunner(work: (job: JobInHand) => Promise<unknown>, own: TextSeals = seals): JobRunner {
  const connection = redis.duplicate();
  connections.push(connection);
  const runner = createJobRunner({
    refuse: async () => {},
    ...{
      shards: around.shards,
      redis: connection,
      seals: own,
      concurrency: 10,
      attempts: 2,
      finishedJobTextMs: 60_000,
    },
    ...{ completedJobsKept: 100, completedJobsAgeMs: 3_600_000, failedJobsKept: 100, failedJobsAgeMs: 3_600_000 },
    ...{ redeliveryWindowMs: 3_600_000, logger: captureLog().logger },
  });
  runners.push(runner);
  runner.start(async (job) => void (await work(job)));
  return runner;
}

test('nothing of a job in Redis has a text, in no state, and each attempt and a retry by an operator find all texts', async () => {
  const seen: { message: string; results: unknown }[] = [];
  const runner = startRunner(async (job) => {
    const { message } = job.data.request;
    seen.push({ message, results: job.state?.results });
    if (seen.length === 1) {
      await job.saveState(stateWith(`${MARKER}, yes`));
      expect(await textOf(redis, '*')).not.toContain(MARKER);
      return await job.retry(new Error('ask-model: model_timeout: late'), 1);
    }
    if (seen.length === 2) return await job.fail(new Error('publish: internal_error: x'), job.state!);
    return await job.complete({ status: 'completed' } as ChatJobResult);
  });
  await runner.add([question('a')]);
  await until('it has failed', async () => (await around.queue.getJobState(jobIdOf('a'))) === 'failed');
  expect(await textOf(redis, '*')).not.toContain(MARKER);
  expect((await redis.hget(around.toKey(jobIdOf('a')), 'progress'))!).toContain('sealed');

  const admin = createJobAdmin(around.shards, redis);
  expect((await admin.search({ userId: 'u' }, { limit: 10 })).jobs).toMatchObject([
    { requestId: 'a', status: 'failed' },
  ]);
  expect(await admin.show('a')).toMatchObject({ userId: 'u', sessionId: 's', steps: [{ step: 'ask-model' }] });
  expect(await admin.retry('a')).toBe('retried');
  await until('it is completed', async () => (await around.queue.getJobState(jobIdOf('a'))) === 'completed');
  const saved = { message: `Is it ${MARKER}?`, results: { 'ask-model': { answer: `${MARKER}, yes` } } };
  expect(seen).toEqual([{ message: saved.message, results: undefined }, saved, saved]);
  expect(await textOf(redis, '*')).not.toContain(MARKER);
});

const ANSWER = {
  ...{ response: `${MARKER}, yes`, model: 'm', provider: 'p', usage: null, finishReason: 'stop' as const },
};
const asked = (answer: ModelAnswer): WorkflowState => ({
  ...stateWith(''),
  results: { 'ask-model': { answer, modelMs: 5 }, 'write-cache': true },
});

test('the answer is sealed once for the job and its message, and opens in both', async () => {
  const own = await seals.forSealing(['u']);
  const sealed: string[] = [];
  const counting = sealedOnce({
    ...own,
    seal: (place, text) => {
      sealed.push(place.kind);
      return own.seal(place, text);
    },
  });
  const request = { userId: 'u', requestId: 'a' };
  const kept = sealState(counting, request, asked(ANSWER));
  const message = { version: 1, ...request, response: ANSWER.response };
  const published = sealMessage(counting, 'response', message);
  expect(JSON.stringify([kept, published])).not.toContain(MARKER);
  expect(kept.results['ask-model']).toEqual({
    answer: { model: 'm', provider: 'p', usage: null, finishReason: 'stop', sealed: expect.any(String) },
    modelMs: 5,
  });
  expect(published).toMatchObject({ sealed: (kept.results['ask-model'] as { answer: Sealed }).answer.sealed });
  expect(sealed).toEqual(['answer']);
  expect(openState(own, request, kept)).toEqual(asked(ANSWER));
  expect(receiveAny('response', published).open(own)).toEqual(message);
});

test('another text of the request is sealed anew, and none opens in the place of another request or user', async () => {
  const own = await seals.forSealing(['u', 'v']);
  const once = sealedOnce(own);
  const request = { userId: 'u', requestId: 'a' };
  const [kept, other] = [ANSWER, { ...ANSWER, response: 'no' }].map((answer) =>
    sealState(once, request, asked(answer)),
  );
  expect(openState(own, request, kept!)).toEqual(asked(ANSWER));
  expect(openState(own, request, other!)).toEqual(asked({ ...ANSWER, response: 'no' }));
  for (const elsewhere of [
    { userId: 'u', requestId: 'b' },
    { userId: 'v', requestId: 'a' },
  ]) {
    expect(openState(own, elsewhere, kept!).results).not.toHaveProperty('ask-model');
    const message = { ...sealMessage(once, 'response', { version: 1, ...request, response: 'x' }), ...elsewhere };
    expect(() => receiveAny('response', message).open(own)).toThrow(
      expect.objectContaining({ reason: 'cannot_be_opened' }),
    );
  }
});

test('results that were sealed as a whole are opened', async () => {
  const own = await seals.forSealing(['u']);
  const { results, ...rest } = asked(ANSWER);
  const place = { userId: 'u', kind: 'results', id: 'a' } as const;
  const kept = { ...rest, results: {}, sealed: own.seal(place, JSON.stringify({ results }))! };
  expect(openState(own, { userId: 'u', requestId: 'a' }, kept)).toEqual(asked(ANSWER));
});

test('a job that was added before there were keys is worked on; what is saved from then on is sealed', async () => {
  const elsewhere = startRunner((job) => job.delay(3_600_000), plainTexts);
  await elsewhere.add([question('a')]);
  await until('it waits', async () => (await around.queue.getJobState(jobIdOf('a'))) === 'delayed');
  await elsewhere.stop(0, () => {});
  let message: string | undefined;
  startRunner(async (job) => {
    message = job.data.request.message;
    await job.saveState(stateWith(`answered ${MARKER}`));
    await job.delay(3_600_000);
  });
  await (await around.queue.getJob(jobIdOf('a')))!.promote();
  await until('it is saved', async () =>
    (await redis.hget(around.toKey(jobIdOf('a')), 'progress'))?.includes('sealed'),
  );
  expect(message).toBe(`Is it ${MARKER}?`);
  expect(await textOf(redis, '*')).not.toContain(`answered ${MARKER}`);
});

test.each([
  ['the store of the keys is away', new StoreUnavailableError('away')],
  ['there is no master key', undefined],
])('while %s, a job waits, uses up no attempt, and does not count as a crash', async (_, away) => {
  const adding = startRunner((job) => job.delay(1));
  await adding.add([question('a')]);
  await until('it waits', async () => (await around.queue.getJobState(jobIdOf('a'))) === 'delayed');
  await adding.stop(0, () => {});
  const rejects = async () => {
    throw away;
  };
  const worked: string[] = [];
  const note = async (job: JobInHand) => {
    worked.push(job.data.request.message);
    await job.complete({ status: 'completed' } as ChatJobResult);
  };
  const without = startRunner(note, away ? { forSealing: rejects, forOpening: rejects } : plainTexts);
  const key = around.toKey(jobIdOf('a'));
  const takenBefore = await redis.hget(key, 'ats');
  await until('it was taken and put back', async () => {
    return (
      (await redis.hget(key, 'ats')) !== takenBefore && (await around.queue.getJobState(jobIdOf('a'))) === 'delayed'
    );
  });
  expect(await redis.hmget(key, 'atm', 'stc', 'failedReason')).toEqual([null, null, null]);
  await without.stop(0, () => {});
  startRunner(note);
  await (await around.queue.getJob(jobIdOf('a')))!.promote();
  await until('it is worked on', () => worked.length > 0);
  expect(worked).toEqual([`Is it ${MARKER}?`]);
});

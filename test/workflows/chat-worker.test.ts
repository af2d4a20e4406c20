import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { WorkflowState } from '../../src/adapters/jobs/chat-job.ts';
import type { JobInHand } from '../../src/adapters/jobs/job-in-hand.ts';
import type { JobRunner } from '../../src/adapters/jobs/runner/job-runner.ts';
import { channelOf } from '../../src/adapters/redis/channels.ts';
import {
  BrokerUnavailableError,
  ModelPausedError,
  ProcessStoppingError,
  RequestFailure,
  UndeliverableReplyError,
} from '../../src/contracts/errors.ts';
import { CANCEL_CHANNEL } from '../../src/contracts/redis-keys.ts';
import type { ChatWorkflow } from '../../src/workflows/chat/chat-workflow.ts';
import type { EarlyLookUp } from '../../src/workflows/chat/early-look-up.ts';
import { startChatWorker } from '../../src/workflows/chat-worker.ts';
import { captureLog } from '../captured-log.ts';
import {
  answer,
  defaultSettings,
  jobData,
  standInCache,
  standInJob,
  standInModel,
  standInWorkflow,
} from './stand-ins.ts';

const state = (more: Partial<WorkflowState> = {}): WorkflowState => ({
  step: 'ask-model',
  attempt: 1,
  steps: [],
  results: {},
  crashes: 0,
  ...more,
});
const paidFor = { 'ask-model': { answer, modelMs: 5 } };

/** A worker whose jobs are handed to it one by one. */
function worker(parts: Partial<ChatWorkflow> = {}) {
  const seen = standInWorkflow(parts);
  const events: string[] = [];
  const cancelled: [number, string][] = [];
  let work: (job: JobInHand, early?: EarlyLookUp) => Promise<void>;
  let graceIsOver = () => {};
  const jobs: JobRunner<EarlyLookUp> = {
    start: (given) => {
      work = given as typeof work;
    },
    add: async () => 0,
    cancel: (...job) => cancelled.push(job),
    stop: async (_graceMs, onGraceOver) => {
      graceIsOver = onGraceOver;
    },
  };
  const subscriber = Object.assign(new EventEmitter(), { options: { db: 0 } }) as unknown as Redis;
  const { logger, said } = captureLog();
  const { stop } = startChatWorker({
    jobs,
    subscriber,
    workflow: seen.workflow,
    maxCrashes: 2,
    events: {
      onStarted: () => events.push('started'),
      onStep: () => {},
      onRetry: (code) => events.push(`retry ${code}`),
      onFinished: (status, code) => events.push(`${status} ${code}`.trim()),
      onReleased: () => events.push('released'),
    },
    logger,
  });
  return {
    ...seen,
    events,
    cancelled,
    said,
    subscriber,
    work: (job: JobInHand) => work(job),
    stopNow: async () => {
      await stop(0);
      graceIsOver();
    },
  };
}

const failing = (error: Error) => ({ model: standInModel(() => Promise.reject(error)) });
const unavailable = new RequestFailure('model_unavailable', 'down');
const rejected = new RequestFailure('model_rejected', 'no such thing');

test('an answered request completes its job, which shows all of the answer but its text', async () => {
  const { work, published, events } = worker();
  const { job, ends } = standInJob();
  await work(job);
  expect(published).toMatchObject([{ status: 'completed', response: answer.response, attempts: 1 }]);
  expect(ends).toMatchObject([{ how: 'complete', with: { status: 'completed', model: 'm', usage: answer.usage } }]);
  expect(JSON.stringify(ends)).not.toContain(answer.response);
  expect(events).toEqual(['started', 'completed', 'released']);
});

test('one line tells of a request that was answered after a failure, a crash or by a fallback, and of others none', async () => {
  const asked = async (job: JobInHand, byFallback: boolean) => {
    const { work, said } = worker({ model: standInModel(async () => ({ ...answer, byFallback })) });
    await work(job);
    return said('request completed');
  };
  const smooth = standInJob().job;
  const ids = { requestId: smooth.data.request.requestId, sessionId: smooth.data.request.sessionId };
  expect(await asked(smooth, false)).toMatchObject([{ level: 'debug', ...ids, traceId: expect.any(String) }]);
  const second = standInJob({ attemptsMade: 1 }).job;
  expect(await asked(second, false)).toMatchObject([{ level: 'info', attempts: 2, crashes: 0, byFallback: false }]);
  const crashed = standInJob({ crashes: 1 }).job;
  expect(await asked(crashed, false)).toMatchObject([{ level: 'info', attempts: 1, crashes: 1 }]);
  expect(await asked(standInJob().job, true)).toMatchObject([{ level: 'info', byFallback: true }]);
});

test('one line tells of a request that is taken up after its worker died', async () => {
  const { work, said } = worker();
  await work(standInJob().job);
  expect(said('taken up again')).toEqual([]);
  const { job } = standInJob({ crashes: 1 });
  await work(job);
  const { requestId } = job.data.request;
  expect(said('taken up again')).toMatchObject([{ level: 'warn', requestId, crashes: 1 }]);
});

describe('a request that is cancelled', () => {
  test('while the model is asked is announced as cancelled, and its job completes without an answer', async () => {
    const { job, ends, cancel } = standInJob();
    const ask = async () => {
      cancel();
      return answer;
    };
    const { work, published, events } = worker({ model: standInModel(ask) });
    await work(job);
    expect(published).toMatchObject([{ status: 'cancelled', response: null, error: null }]);
    expect(ends).toMatchObject([{ how: 'complete', with: { status: 'cancelled', usage: null } }]);
    expect(events).toEqual(['started', 'cancelled', 'released']);
  });

  test('after its answer was written down leaves no answer in its job', async () => {
    const { job, saved, cancel } = standInJob({ state: state({ results: paidFor }) });
    cancel();
    const { work, published } = worker();
    await work(job);
    expect(published).toMatchObject([{ status: 'cancelled' }]);
    expect(saved.at(-1)!.results).toEqual({});
  });

  test('after it had failed is not kept among the failed ones, with its question', async () => {
    const { job, ends, cancel } = standInJob({
      state: state({ failure: { code: 'model_rejected', cause: 'no' } }),
    });
    cancel();
    const { work, published } = worker();
    await work(job);
    expect(published).toMatchObject([{ status: 'cancelled' }]);
    expect(ends).toMatchObject([{ how: 'complete' }]);
  });

  test('has its cancellation announced later if the broker is away', async () => {
    const { job, ends, cancel } = standInJob();
    cancel();
    const { work } = worker({ publish: () => Promise.reject(new BrokerUnavailableError('gone')) });
    await work(job);
    expect(ends).toMatchObject([{ how: 'delay' }]);
  });

  test('is reported to the runner of this worker’s jobs', () => {
    const { subscriber, cancelled } = worker();
    subscriber.emit('message', channelOf(subscriber, CANCEL_CHANNEL), '2 r 1');
    expect(cancelled).toEqual([[2, 'r 1']]);
  });
});

describe('a request that waits', () => {
  test('for the model comes back when it said, and whoever asks is told since when and why', async () => {
    const { work, events, published } = worker(failing(new ModelPausedError('model_rate_limited', 'later', 4_000)));
    const { job, ends, saved } = standInJob({ state: state({ retry: { since: 'then', code: 'x' } }) });
    await work(job);
    expect(ends).toEqual([{ how: 'delay', with: 4_000 }]);
    expect(saved.at(-1)!.retry).toEqual({ since: 'then', code: 'model_rate_limited' });
    expect(published).toEqual([]);
    expect(events).toEqual(['started', 'released']);
  });

  test('for the model is looked for if a gate has closed before it was delayed, because nobody saw it then', async () => {
    for (const closesMeanwhile of [true, false]) {
      let looks = 0;
      const awaitingModel = { openings: 1, look: () => (looks += 1) };
      const ask = () => {
        if (closesMeanwhile) awaitingModel.openings += 1;
        return Promise.reject(new ModelPausedError('model_unavailable', 'shut', 4_000));
      };
      const { work } = worker({ model: standInModel(ask), awaitingModel });
      await work(standInJob().job);
      expect(looks).toBe(closesMeanwhile ? 1 : 0);
    }
  });

  test('for another’s answer is woken by that one, and by itself where that one has forgotten it', async () => {
    for (const isAwaiting of [true, false]) {
      const cache = standInCache({ lookUp: async () => ({ asker: 'another' }), isAwaiting: async () => isAwaiting });
      const { work, woken } = worker({ cache });
      const { job, ends } = standInJob();
      await work(job);
      expect(ends).toEqual([{ how: 'delay', with: cache.leaseMs }]);
      expect(woken).toEqual(isAwaiting ? [] : ['r']);
    }
  });
});

test('an attempt that failed is repeated, and an operator sees at which step and why', async () => {
  const { work, events, published } = worker(failing(unavailable));
  const { job, ends, saved } = standInJob();
  await work(job);
  expect(ends).toEqual([{ how: 'retry', with: 'ask-model: model_unavailable: down' }]);
  expect(saved.at(-1)).toMatchObject({ step: 'ask-model', retry: { code: 'model_unavailable' } });
  expect(events).toEqual(['started', 'retry model_unavailable', 'released']);
  expect(published).toEqual([]);
});

test('a process that must stop hands its job back, with what its steps gave', async () => {
  const { job, ends, saved, abort } = standInJob();
  const { work, published, stopNow } = worker({
    publish: async () => {
      await stopNow();
      abort(new ProcessStoppingError());
      throw new BrokerUnavailableError('gone');
    },
  });
  await work(job);
  expect(ends).toEqual([{ how: 'handBack', with: undefined }]);
  expect(saved.at(-1)!.results).toHaveProperty('ask-model');
  expect(published).toEqual([]);
});

describe('a request that fails for good', () => {
  test('is announced to its user, then kept among the failed jobs, where a retry starts again', async () => {
    const { work, published, events } = worker(failing(rejected));
    const { job, ends, saved } = standInJob({ crashes: 1 });
    await work(job);
    expect(published).toMatchObject([{ status: 'failed', error: { code: 'model_rejected', retryable: false } }]);
    expect(saved.at(-1)!.failure).toEqual({ code: 'model_rejected', cause: 'no such thing' });
    expect(ends).toMatchObject([{ how: 'fail', with: 'ask-model: model_rejected: no such thing' }]);
    const kept = ends[0]!.state!;
    expect(kept).toMatchObject({ step: 'ask-model', crashesForgiven: 1, failedAt: expect.any(String) });
    expect(kept.failure).toBeUndefined();
    expect(events).toEqual(['started', 'failed model_rejected', 'released']);
  });

  test('is announced again, without asking the model, if it could not be announced', async () => {
    const broken = worker({ ...failing(rejected), publish: () => Promise.reject(new BrokerUnavailableError('gone')) });
    const first = standInJob();
    await broken.work(first.job);
    expect(first.ends).toMatchObject([{ how: 'delay' }]);
    expect(broken.events).toEqual(['started', 'released']);

    const { work, published } = worker(failing(new Error('asked again')));
    const again = standInJob({ state: first.saved.at(-1)! });
    await work(again.job);
    expect(published).toMatchObject([{ status: 'failed', error: { code: 'model_rejected' } }]);
    expect(again.ends).toMatchObject([{ how: 'fail', with: 'ask-model: model_rejected: no such thing' }]);
  });

  test('after its last attempt is told by what went wrong last', async () => {
    const { work, published } = worker(failing(unavailable));
    await work(standInJob({ attemptsMade: 2, maxAttempts: 3 }).job);
    expect(published).toMatchObject([{ error: { code: 'model_unavailable', retryable: true }, attempts: 3 }]);
  });

  test('after two full calls in vain makes no third one', async () => {
    const { work, published } = worker(failing(new RequestFailure('model_timeout', 'slow', { costlyCalls: 1 })));
    const first = standInJob();
    await work(first.job);
    expect(first.ends).toMatchObject([{ how: 'retry' }]);
    await work(standInJob({ state: first.saved.at(-1)!, attemptsMade: 1, maxAttempts: 9 }).job);
    expect(published).toMatchObject([{ error: { code: 'model_timeout' } }]);
  });

  test('because of an unforeseen error tells its user nothing about it', async () => {
    const { work, published } = worker(failing(new TypeError('a secret')));
    await work(standInJob({ maxAttempts: 1 }).job);
    expect(published).toMatchObject([{ error: { code: 'internal_error' } }]);
    expect(JSON.stringify(published)).not.toContain('secret');
  });
});

describe('a request over which processes have died', () => {
  test('too often fails without being asked again, and its last call counts as uncertain spend', async () => {
    const { work, published, uncertain } = worker(failing(new Error('asked again')));
    const { job, ends } = standInJob({ crashes: 3 });
    await work(job);
    expect(published).toMatchObject([{ status: 'failed', error: { code: 'worker_crashed' } }]);
    expect(uncertain).toEqual(['crashed']);
    expect(ends).toMatchObject([{ how: 'fail', state: { crashesForgiven: 3 } }]);
  });

  test('after it had its answer costs nothing more', async () => {
    const { work, uncertain, published } = worker(failing(new Error('asked again')));
    await work(standInJob({ crashes: 1, state: state({ results: paidFor }) }).job);
    expect(published).toMatchObject([{ status: 'completed', response: answer.response }]);
    await work(standInJob({ crashes: 3, state: state({ results: paidFor }) }).job);
    expect(uncertain).toEqual([]);
  });

  test('is asked again otherwise, and the call that was cut short is counted', async () => {
    const { work, published, uncertain } = worker();
    await work(standInJob({ crashes: 2 }).job);
    expect(published).toMatchObject([{ status: 'completed' }]);
    expect(uncertain).toEqual(['crashed']);
  });

  test('is not asked again where the settings forbid to pay twice', async () => {
    const { work, published } = worker({ settings: { ...defaultSettings, askAgainAfterCrash: false } });
    await work(standInJob({ crashes: 1 }).job);
    expect(published).toMatchObject([{ status: 'failed', error: { code: 'spend_uncertain' } }]);
  });

  test('starts again when an operator retries it, even after its deadline', async () => {
    const { work, published } = worker();
    await work(
      standInJob({
        data: jobData({ deadline: '2020-01-01T00:00:00.000Z' }),
        crashes: 4,
        state: state({ crashes: 4, crashesForgiven: 4, failedAt: '2026-01-01T00:00:00.000Z' }),
      }).job,
    );
    expect(published).toMatchObject([{ status: 'completed' }]);
  });
});

describe('a job that was removed while it was worked on', () => {
  test.each([
    ['fails', unavailable, 'model_unavailable'],
    ['must wait for something', new BrokerUnavailableError('gone'), 'internal_error'],
  ])('and %s is nobody’s any more: its user is told at once', async (_, error, code) => {
    const { work, published, events } = worker(failing(error));
    await work(standInJob({ went: 'gone' }).job);
    expect(published).toMatchObject([{ status: 'failed', error: { code } }]);
    expect(events).toContain(`failed ${code}`);
  });

  test('has its failure announced until the broker takes it', async () => {
    let refusals = 2;
    const told: unknown[] = [];
    const { work } = worker({
      ...failing(rejected),
      publish: async (response) => {
        if (refusals-- > 0) throw new BrokerUnavailableError('gone');
        told.push(response);
      },
    });
    await work(standInJob({ went: 'gone' }).job);
    expect(told).toMatchObject([{ status: 'failed', error: { code: 'model_rejected' } }]);
  });

  test('because its user has erased it is announced to nobody', async () => {
    const { job, cancel } = standInJob({ went: 'gone' });
    cancel();
    let tries = 0;
    const { work } = worker({
      publish: async () => {
        tries += 1;
        throw new BrokerUnavailableError('gone');
      },
    });
    await work(job);
    expect(tries).toBe(1);
  });

  test('by another worker is left to that one', async () => {
    const { work, published } = worker(failing(unavailable));
    await work(standInJob({ went: 'lost' }).job);
    expect(published).toEqual([]);
  });
});

describe('an answer that its reply queue does not take', () => {
  const undeliverable = new UndeliverableReplyError('reply_unroutable', 'not there');
  const data = jobData({ reply: { to: 'replies' } });

  test('is kept as a dead letter and with the failed job, so that a retry does not ask the model', async () => {
    const { work, keptReplies, events } = worker({ publish: () => Promise.reject(undeliverable) });
    const { job, ends } = standInJob({ data });
    await work(job);
    expect(keptReplies).toMatchObject([{ status: 'completed', response: answer.response }]);
    expect(ends).toMatchObject([{ how: 'fail', with: 'keep-reply: reply_unroutable: not there' }]);
    expect(ends[0]!.state!.results).toHaveProperty('ask-model');
    expect(events).toEqual(['started', 'failed reply_unroutable', 'released']);

    const retry = worker(failing(new Error('asked again')));
    await retry.work(standInJob({ data, state: ends[0]!.state! }).job);
    expect(retry.published).toMatchObject([{ status: 'completed', response: answer.response }]);
  });

  test('and that is a failure is not announced for ever', async () => {
    const { work, keptReplies } = worker({ ...failing(rejected), publish: () => Promise.reject(undeliverable) });
    const { job, ends } = standInJob({ data });
    await work(job);
    expect(keptReplies).toMatchObject([{ status: 'failed', error: { code: 'model_rejected' } }]);
    expect(ends).toMatchObject([{ how: 'fail', with: 'keep-reply: reply_unroutable: not there' }]);
  });
});

test('a job in whose state nothing can be written is left to be taken up again, and is no longer counted as in hand', async () => {
  const { work, events } = worker(failing(unavailable));
  const { job } = standInJob();
  job.saveState = () => Promise.reject(new Error('Redis is away'));
  await expect(work(job)).rejects.toThrow('Redis is away');
  expect(events).toEqual(['started', 'released']);
});

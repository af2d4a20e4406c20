import type { AnswerCache } from '../../src/adapters/answers/answer-cache.ts';
import type { CachedQuestion } from '../../src/adapters/answers/cached-question.ts';
import type { RecordedCalls } from '../../src/adapters/answers/recorded-calls.ts';
import type { ChatJobData, WorkflowState } from '../../src/adapters/jobs/chat-job.ts';
import type { JobInHand, WhereItWent } from '../../src/adapters/jobs/job-in-hand.ts';
import type { Model } from '../../src/adapters/model/model.ts';
import { loadWorkerConfig } from '../../src/config/load.ts';
import { plainCacheKeys } from '../../src/contracts/cache-keys.ts';
import type { ChatResponse } from '../../src/contracts/chat-response.ts';
import { RequestCancelledError } from '../../src/contracts/errors.ts';
import type { ModelAnswer } from '../../src/contracts/model-answer.ts';
import { plainSeals } from '../../src/contracts/sealing.ts';
import type { ChatWorkflow } from '../../src/workflows/chat/chat-workflow.ts';

export const answer: ModelAnswer = {
  response: 'an answer, paid for',
  model: 'm',
  provider: 'p',
  usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3, cost: null },
  finishReason: 'stop',
};

export const jobData = (more: Partial<ChatJobData> & { deadline?: string } = {}): ChatJobData => {
  const { deadline, ...fields } = more;
  return {
    request: {
      version: 1,
      requestId: 'r',
      sessionId: 's',
      userId: 'u',
      message: 'What is it?',
      context: [],
      cache: true,
      priority: 'interactive',
      ...(deadline && { deadline }),
    },
    traceparent: '00-0-0-00',
    receivedAt: new Date().toISOString(),
    ...fields,
  };
};

export const defaultSettings = loadWorkerConfig({
  RABBITMQ_URL: 'amqp://localhost',
  REDIS_URL: 'redis://localhost',
  OPENAI_API_KEY: 'a-key',
  MESSAGE_SIGNING_KEY: 'a key of at least thirty-two bytes',
});

/** A question whose hash is `hash`. */
export const question: CachedQuestion = { hash: 'hash', key: (await plainCacheKeys.of('everybody'))! };

/** A cache of nothing, whose operations can be given. */
export const standInCache = (operations: Partial<AnswerCache> = {}): AnswerCache => ({
  leaseMs: 10_000,
  questionOf: async () => question,
  lookUp: async () => 'claimed',
  keep: async () => [],
  release: async () => [],
  leave: () => {},
  isAwaiting: async () => true,
  forgetAnswers: async () => {},
  forgetSession: async () => {},
  close: () => {},
  ...operations,
});

/** Nothing is shared among users, but what is given. */
export const standInRecordedCalls = (operations: Partial<RecordedCalls> = {}): RecordedCalls => ({
  questionOf: async () => undefined,
  find: async () => undefined,
  keep: async () => {},
  ...operations,
});

export const standInModel = (ask: Model['ask'] = async () => answer): ChatWorkflow['model'] => ({
  parametersOf: ({ message }) => ({ message }) as unknown as ReturnType<Model['parametersOf']>,
  ask,
  isOpen: () => true,
});

/** A workflow, and what it did that others can see. */
export function standInWorkflow(parts: Partial<ChatWorkflow> = {}) {
  const published: ChatResponse[] = [];
  const keptReplies: ChatResponse[] = [];
  const woken: string[] = [];
  const lookUps: string[] = [];
  const uncertain: string[] = [];
  const workflow: ChatWorkflow = {
    model: standInModel(),
    cache: standInCache(),
    recordedCalls: standInRecordedCalls(),
    answersOfUser: { note: async () => {}, forget: async () => {} },
    settings: defaultSettings,
    publish: async (response) => {
      published.push(response);
    },
    keepReply: async (response) => {
      keptReplies.push(response);
    },
    wake: async (requestIds) => {
      woken.push(...requestIds);
    },
    awaitingModel: { openings: 0, look: () => {} },
    onCacheLookup: (result) => lookUps.push(result),
    onUncertainSpend: (why) => uncertain.push(why),
    ...parts,
  };
  return { workflow, published, keptReplies, woken, lookUps, uncertain };
}

/** How the work on a job ended: by which call, and with what. */
export interface JobEnd {
  how: 'complete' | 'retry' | 'fail' | 'delay' | 'handBack';
  with: unknown;
  state?: WorkflowState;
}

interface JobCircumstances {
  data?: ChatJobData;
  state?: WorkflowState;
  attemptsMade?: number;
  maxAttempts?: number;
  crashes?: number;
  /** What becomes of the job as it is let go of. */
  went?: WhereItWent;
}

/** A job in hand that nobody keeps. It tells what was saved, and how the work on it ended. */
export function standInJob(given: JobCircumstances = {}) {
  const { data = jobData(), state, attemptsMade = 0, maxAttempts = 3, crashes = 0, went = 'moved' } = given;
  const abort = new AbortController();
  const saved: WorkflowState[] = [];
  const ends: JobEnd[] = [];
  const end = (how: JobEnd['how'], value?: unknown, endState?: WorkflowState) => {
    ends.push({ how, with: value, ...(endState && { state: structuredClone(endState) }) });
    return Promise.resolve(went);
  };
  let cancelled = false;
  const job: JobInHand = {
    seals: plainSeals,
    data,
    state,
    attemptsMade,
    attemptsStarted: attemptsMade + crashes + 1,
    maxAttempts,
    crashes,
    signal: abort.signal,
    get cancelled() {
      return cancelled;
    },
    saveState: async (written) => {
      saved.push(structuredClone(written));
    },
    complete: async (result) => {
      await end('complete', result);
    },
    retry: (error) => end('retry', error.message),
    fail: (error, written) => end('fail', error.message, written),
    delay: (ms) => end('delay', ms),
    handBack: () => end('handBack'),
  };
  return {
    job,
    saved,
    ends,
    cancel: () => {
      cancelled = true;
      abort.abort(new RequestCancelledError());
    },
    abort: (reason: Error) => abort.abort(reason),
  };
}

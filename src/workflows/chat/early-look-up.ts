import type { AnswerCache, LookUp } from '../../adapters/answers/answer-cache.ts';
import type { CachedQuestion } from '../../adapters/answers/cached-question.ts';
import type { RecordedCalls } from '../../adapters/answers/recorded-calls.ts';
import type { HeadStart } from '../../adapters/jobs/job-in-hand.ts';
import type { Model } from '../../adapters/model/model.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';
import { HealifyError, RequestFailure } from '../../contracts/errors.ts';

/** Where answers are looked up, and what an answer depends on. */
export interface AnswerLookUp {
  model: Pick<Model, 'parametersOf'>;
  cache: Pick<AnswerCache, 'questionOf' | 'lookUp' | 'leave'>;
  recordedCalls: Pick<RecordedCalls, 'questionOf'>;
  settings: { cacheEnabled: boolean };
}

/** A request's question, as the cache knows it. */
export interface Questions {
  /** Under it, the user finds the answer again. */
  own: CachedQuestion;
  /** Under it, others find the model's call. undefined: they may not. */
  shared: CachedQuestion | undefined;
}

/** A look-up that was sent together with the job. */
export interface EarlyLookUp extends HeadStart {
  readonly questions: ReturnType<typeof questionsOf>;
  readonly found: Promise<LookUp | undefined>;
}

/**
 * Looks up a request's answer before we know that its job is written. This is harmless: at worst it leaves a lease that
 * nobody uses, and the lease expires.
 */
export function lookUpEarly(where: AnswerLookUp, request: ChatRequest): EarlyLookUp | undefined {
  const { settings, cache } = where;
  if (!settings.cacheEnabled || !request.cache) return undefined;
  const { requestId } = request;
  const questions = questionsOf(where, request);
  const found = questions.then((asked) => asked && cache.lookUp(asked.own, requestId));
  // The attempt handles a rejection later. Until then, nobody listens.
  found.catch(() => {});
  const leave = async () => {
    const asked = await questions.catch(() => undefined);
    if (asked) cache.leave(asked.own.hash, requestId);
  };
  return { questions, found, drop: () => void found.then(leave, leave) };
}

/**
 * Returns the question under which a request's answer is looked up and kept. No round trip, unless the process lacks a key.
 * @returns undefined: the request wants neither, or its keys are destroyed or out of reach
 * @throws RequestFailure model_not_allowed
 */
export async function questionsOf(
  { cache, recordedCalls, settings, model }: AnswerLookUp,
  request: ChatRequest,
): Promise<Questions | undefined> {
  if (!settings.cacheEnabled || !request.cache) return undefined;
  const parameters = model.parametersOf(request);
  try {
    const [own, shared] = await Promise.all([
      cache.questionOf(parameters, request.userId),
      recordedCalls.questionOf(parameters, request),
    ]);
    return own && { own, shared };
  } catch (error) {
    // It costs a model call, but no answer.
    if (error instanceof HealifyError && !(error instanceof RequestFailure)) return undefined;
    throw error;
  }
}

/** The hashes of the questions: an erasure finds what is kept under them. */
export const hashesOf = ({ own, shared }: Questions): string[] => [own.hash, ...(shared ? [shared.hash] : [])];

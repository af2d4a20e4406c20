import type { AnswerCache, LookUp } from '../../adapters/answers/answer-cache.ts';
import type { HeadStart } from '../../adapters/jobs/job-in-hand.ts';
import type { Model } from '../../adapters/model/model.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';

/** Where answers are looked up, and what an answer depends on. */
export interface AnswerLookUp {
  model: Pick<Model, 'parametersOf'>;
  cache: Pick<AnswerCache, 'hashOf' | 'lookUp' | 'leave'>;
  settings: { cacheEnabled: boolean };
}

/** A look-up that was sent together with the job. */
export interface EarlyLookUp extends HeadStart {
  readonly hash: string;
  readonly found: Promise<LookUp>;
}

/**
 * Looks up a request's answer before we know that its job is written. This is harmless: at worst it leaves a lease that
 * nobody uses, and the lease expires.
 */
export function lookUpEarly(where: AnswerLookUp, request: ChatRequest): EarlyLookUp | undefined {
  let hash: string | undefined;
  try {
    hash = hashOf(where, request);
  } catch {
    // The request chose a model that is not allowed. The attempt will fail with that.
  }
  if (!hash) return undefined;
  const found = where.cache.lookUp(hash, request.requestId);
  // The attempt handles a rejection later. Until then, nobody listens.
  found.catch(() => {});
  const leave = () => where.cache.leave(hash, request.requestId);
  return { hash, found, drop: () => void found.then(leave, leave) };
}

/**
 * Returns the hash under which a request's answer is looked up and kept for others.
 * @returns undefined: the request wants neither
 * @throws RequestFailure model_not_allowed
 */
export function hashOf({ cache, settings, model }: AnswerLookUp, request: ChatRequest): string | undefined {
  if (!settings.cacheEnabled || !request.cache) return undefined;
  return cache.hashOf(model.parametersOf(request), request.userId);
}

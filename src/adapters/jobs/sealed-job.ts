import type { AskedAnswer, ModelAnswer } from '../../contracts/model-answer.ts';
import {
  type KeptModelAnswer,
  openModelAnswer,
  receive,
  sealMessage,
  sealModelAnswer,
} from '../../contracts/sealed-message.ts';
import type { Sealed, Seals } from '../../contracts/sealing.ts';
import type { ChatJobData, WorkflowState } from './chat-job.ts';

// A job's data has its request as a message has it, and its progress has the results of the steps sealed. An answer in them is
// sealed as its message is, so that one sealed text serves for both.

type RequestOf = Pick<ChatJobData['request'], 'userId' | 'requestId'>;
type KeptState = WorkflowState & Partial<Sealed>;

/** Returns the data of a new job, as JSON. It has the version of its request: 2 if that is sealed, otherwise 1. */
export function sealJobData(seals: Seals, data: Omit<ChatJobData, 'version'>): string {
  const request = sealMessage(seals, 'job', data.request);
  return JSON.stringify({ version: request.version, ...data, request });
}

/**
 * Returns the request of a job, open.
 * @throws UnreadableMessage
 */
export const openRequest = (seals: Seals, request: Record<string, unknown>): Record<string, unknown> =>
  receive('job', request, (fields) => fields).open(seals);

const placeOf = ({ userId, requestId }: RequestOf) => ({ userId, kind: 'results', id: requestId }) as const;

/** How far a job has come, as it is kept. `sealed` has those results that are neither an answer of the model nor true or false. */
export function sealState(seals: Seals, request: RequestOf, state: WorkflowState): KeptState {
  const results: WorkflowState['results'] = {};
  const others: WorkflowState['results'] = {};
  for (const [step, result] of Object.entries(state.results)) {
    if (isAskedAnswer(result))
      results[step] = { ...result, answer: sealModelAnswer(seals, request, result.answer as ModelAnswer) };
    else (typeof result === 'boolean' ? results : others)[step] = result;
  }
  const hasOthers = Object.keys(others).length > 0;
  const sealed = hasOthers ? seals.seal(placeOf(request), JSON.stringify({ results: others })) : undefined;
  return { ...state, ...(sealed === undefined ? { results: { ...results, ...others } } : { results, sealed }) };
}

/** Without those results that cannot be opened. */
export function openState(seals: Seals, request: RequestOf, { sealed, ...state }: KeptState): WorkflowState {
  const texts = sealed === undefined ? undefined : seals.open(placeOf(request), sealed);
  const results = texts === undefined ? {} : (JSON.parse(texts) as Pick<WorkflowState, 'results'>).results;
  for (const [step, result] of Object.entries(state.results)) {
    const answer = isAskedAnswer(result) ? openModelAnswer(seals, request, result.answer) : undefined;
    if (!isAskedAnswer(result)) results[step] = result;
    else if (answer) results[step] = { ...result, answer };
  }
  return { ...state, results };
}

/** Whether a result is an answer of the model, and has nothing else. */
function isAskedAnswer(result: unknown): result is { answer: ModelAnswer | KeptModelAnswer; modelMs: number } {
  const { answer, modelMs, ...others } = Object(result) as Partial<AskedAnswer>;
  return (
    typeof answer === 'object' && answer !== null && typeof modelMs === 'number' && Object.keys(others).length === 0
  );
}

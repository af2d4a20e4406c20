import { receive, sealMessage } from '../../contracts/sealed-message.ts';
import { type MaybeSealed, openFields, type Seals, sealFields } from '../../contracts/sealing.ts';
import type { ChatJobData, WorkflowState } from './chat-job.ts';

// A job's data has its request as a message has it, and its progress has the results of the steps sealed.

type RequestOf = Pick<ChatJobData['request'], 'userId' | 'requestId'>;

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

/** How far a job has come, as it is kept. A sealed one also has empty results, as a reader of an earlier version expects. */
export const sealState = (
  seals: Seals,
  request: RequestOf,
  state: WorkflowState,
): MaybeSealed<WorkflowState, 'results'> =>
  Object.keys(state.results).length === 0
    ? state
    : { results: {}, ...sealFields(seals, placeOf(request), state, ['results']) };

/** Without its results, if they cannot be opened. */
export const openState = (
  seals: Seals,
  request: RequestOf,
  kept: MaybeSealed<WorkflowState, 'results'>,
): WorkflowState => openFields<WorkflowState, 'results'>(seals, placeOf(request), kept) ?? { ...kept, results: {} };

import type { AnswerEvent, EndEvent, NumberedEvent } from '../../contracts/answer-events.ts';
import {
  isSealed,
  type MaybeSealed,
  openFields,
  type Seals,
  sealFields,
  type TextSeals,
} from '../../contracts/sealing.ts';
import type { LogOf } from './answer-log.ts';

/** An event as the log keeps it. One without a text is never sealed. */
export type KeptEvent = MaybeSealed<AnswerEvent, never> | MaybeSealed<DeltaOf, 'text'> | MaybeSealed<WithRest, 'rest'>;
type DeltaOf = Extract<AnswerEvent, { type: 'delta' }>;
type WithRest = Extract<EndEvent, { rest: string }>;

export interface NumberedKeptEvent {
  number: number;
  event: KeptEvent;
}

const placeOf = ({ requestId, userId }: LogOf) => ({ userId, kind: 'log', id: requestId }) as const;

export function sealEvent(seals: Seals, log: LogOf, event: AnswerEvent): KeptEvent {
  if (event.type === 'delta') return sealFields(seals, placeOf(log), event, ['text']);
  if (!('rest' in event) || event.rest === '') return event;
  return sealFields<WithRest, 'rest'>(seals, placeOf(log), event, ['rest']);
}

/**
 * Opens events of a log. One round trip if the process lacks the key; none if no event is sealed.
 * @returns undefined: the texts are erased, because the user's key was destroyed
 * @throws StoreUnavailableError, MasterKeyMissingError
 */
export async function openEvents(
  seals: TextSeals,
  log: LogOf,
  events: readonly NumberedKeptEvent[],
): Promise<NumberedEvent[] | undefined> {
  const own = await seals.forOpening(events.some(({ event }) => isSealed(event)) ? [log.userId] : []);
  const opened: NumberedEvent[] = [];
  for (const { number, event: kept } of events) {
    const event = openFields<AnswerEvent, never>(own, placeOf(log), kept as AnswerEvent);
    if (!event) return undefined;
    opened.push({ number, event });
  }
  return opened;
}

import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { logChannelOf } from '../log-channel.ts';
import type { NumberedKeptEvent } from '../sealed-events.ts';

const script = defineScript(import.meta.dirname, 'copy-events');

/** Messages with copied events begin with this. */
export const COPIED_MARK = '+';

export interface EventToCopy extends NumberedKeptEvent {
  /** How long the text is after it; -1 if it stays as it is. */
  charsAfter: number;
}

export interface Copied {
  /** `moved`: the log does not follow that request any more. `behind`: the store has lost what was copied before. */
  outcome: 'copied' | 'moved' | 'behind';
  /** The number, in the other log, up to which the events were copied. */
  copied: number;
  /** Of all events of the log. */
  bytes: number;
}

/**
 * Copies events of another request's log into the log of a request that follows it, and tells the readers of that log. One
 * round trip. Repeating it does no harm.
 * @param from.asker the other request
 * @param from.after the number, in its log, after which the events come
 * @throws StoreUnavailableError
 */
export async function copyEvents(
  redis: Redis,
  requestId: string,
  { asker, after, events }: { asker: string; after: number; events: readonly EventToCopy[] },
): Promise<Copied> {
  const args: (string | number)[] = [asker, after, logChannelOf(redis, requestId), COPIED_MARK];
  for (const { number, event, charsAfter } of events) args.push(number, JSON.stringify(event), charsAfter);
  const reply = await orStoreUnavailable(script(redis, [redisKeys.answerLog(requestId)], args));
  const [outcome, copied, bytes] = reply as [Copied['outcome'], number, number];
  return { outcome, copied, bytes };
}

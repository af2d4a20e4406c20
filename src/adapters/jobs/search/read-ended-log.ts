import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { ToKey } from '../redis-scripts/bullmq-layout.ts';
import { type EndedLine, readLine } from './ended-line.ts';
import { comesAfter, latestFirst, type Position } from './position.ts';

/** Up to 1 MB: Redis does nothing else while it sends them. */
const ELEMENTS_TOGETHER = 100;
/** Lines are in the order in which they were written. Their times may be out of order, by less than this, because workers have different clocks. */
const OUT_OF_ORDER_MS = 60_000;

/**
 * The lines that have all of these parts, the latest first. One round trip for 5,000 to 10,000 lines.
 * @param wanted.parts at least one
 * @param wanted.after only lines that come after this position
 * @param wanted.from only jobs that ended at this time or later, ms
 * @param wanted.limit how many lines are enough
 * @throws StoreUnavailableError
 */
export async function readEndedLog(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  wanted: { parts: readonly string[]; after: Position; from: number; limit: number },
): Promise<EndedLine[]> {
  const key = toKey(`${state}-log`);
  let found: EndedLine[] = [];
  for (let end = await orStoreUnavailable(redis.llen(key)); end > 0; end -= ELEMENTS_TOGETHER) {
    const elements = await orStoreUnavailable(redis.lrange(key, Math.max(0, end - ELEMENTS_TOGETHER), end - 1));
    for (const element of elements) {
      for (const line of linesWith(element, wanted.parts)) {
        const job = readLine(line);
        if (job.at >= wanted.from && comesAfter(job, wanted.after)) found.push(job);
      }
    }
    if (found.length > wanted.limit) found = found.sort(latestFirst).slice(0, wanted.limit);
    const oldest = elements[0] === undefined ? 0 : readLine(elements[0].slice(0, elements[0].indexOf('\n'))).at;
    const earlierAreOlder = found.length >= wanted.limit && oldest + OUT_OF_ORDER_MS < found.at(-1)!.at;
    if (earlierAreOlder || oldest + OUT_OF_ORDER_MS < wanted.from) break;
  }
  return found.sort(latestFirst);
}

function* linesWith(element: string, [first = '\n', ...others]: readonly string[]): Generator<string> {
  for (let at = element.indexOf(first); at !== -1; ) {
    const end = element.indexOf('\n', at) + 1;
    const line = element.slice(element.lastIndexOf('\n', at - 1) + 1, end);
    if (others.every((part) => line.includes(part))) yield line;
    at = element.indexOf(first, end);
  }
}

import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from '../redis-scripts/bullmq-layout.ts';
import { type EndedLine, readLine, SAME_END_MS } from './ended-line.ts';
import { comesAfter, latestFirst, type Position } from './position.ts';

/** Up to 1 MB: Redis does nothing else while it sends them. */
const ELEMENTS_TOGETHER = 100;
/** Lines are in the order in which they were written. Their times may be out of order, by less than this, because workers have different clocks. */
const OUT_OF_ORDER_MS = 60_000;

/**
 * The latest line of each job, among those that have all of these parts, the latest first. An earlier line of a job
 * is left out if its latest one is on a page before. One round trip for 5,000 to 10,000 lines.
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
  /** Jobs of the page before that may have an earlier line on this one: they were retried, and have failed again. */
  const before = new Set<string>();
  for (let end = await orStoreUnavailable(redis.llen(key)); end > 0; end -= ELEMENTS_TOGETHER) {
    const elements = await orStoreUnavailable(redis.lrange(key, Math.max(0, end - ELEMENTS_TOGETHER), end - 1));
    for (const element of elements) {
      for (const line of linesWith(element, wanted.parts)) {
        const job = readLine(line);
        if (!comesAfter(job, wanted.after)) {
          if (job.at - wanted.after.at < SAME_END_MS) before.add(job.jobId);
        } else if (job.at >= wanted.from) found.push(job);
      }
    }
    if (found.length >= wanted.limit) found = latestOfEach(found, before).slice(0, wanted.limit);
    const oldest = elements[0] === undefined ? 0 : readLine(elements[0].slice(0, elements[0].indexOf('\n'))).at;
    const earlierAreOlder = found.length >= wanted.limit && oldest + OUT_OF_ORDER_MS < found.at(-1)!.at;
    if (earlierAreOlder || oldest + OUT_OF_ORDER_MS < wanted.from) break;
  }
  return latestOfEach(found, before);
}

/** @param before jobs that are left out */
function latestOfEach(lines: EndedLine[], before: ReadonlySet<string>): EndedLine[] {
  const seen = new Set(before);
  return lines.sort(latestFirst).filter(({ jobId }) => {
    const isNew = !seen.has(jobId);
    seen.add(jobId);
    return isNew;
  });
}

function* linesWith(element: string, [first = '\n', ...others]: readonly string[]): Generator<string> {
  for (let at = element.indexOf(first); at !== -1; ) {
    const end = element.indexOf('\n', at) + 1;
    const line = element.slice(element.lastIndexOf('\n', at - 1) + 1, end);
    if (others.every((part) => line.includes(part))) yield line;
    at = element.indexOf(first, end);
  }
}

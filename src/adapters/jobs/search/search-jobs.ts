import type { JobFilter, JobPage, JobSummary } from '../../../contracts/jobs.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShards } from '../job-shards.ts';
import { type Candidate, sourcesFor } from './candidates.ts';
import { SAME_END_MS } from './ended-line.ts';
import { findStory } from './find-story.ts';
import { comesAfter, cursorOf, latestFirst, readCursor, startAt } from './position.ts';
import { type FoundJob, readSummaries } from './read-job.ts';

/** How many pages of jobs that have changed since are skipped for one page. */
const PAGES_TRIED = 20;

/**
 * A page of the jobs that match, the latest first.
 * @throws StoreUnavailableError
 * @throws InvalidCursorError
 */
export async function searchJobs(
  shards: JobShards,
  redis: Redis,
  filter: JobFilter,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<JobPage> {
  let after = startAt(filter.until);
  if (cursor !== undefined) {
    const position = readCursor(cursor);
    if (comesAfter(position, after)) after = position;
  }
  if (filter.requestId !== undefined) {
    const job = await findByRequest(shards, redis, filter.requestId, filter);
    return { jobs: job && cursor === undefined ? [job] : [], nextCursor: null };
  }
  const sources = sourcesFor(shards, redis, filter, limit * PAGES_TRIED);
  const seen = new Set<string>();
  const jobs: JobSummary[] = [];
  for (let tried = 0; tried < PAGES_TRIED; tried++) {
    const found = await Promise.all(sources.map((source) => source(after, limit)));
    const candidates = found.flat().sort(latestFirst).slice(0, limit);
    const summaries = await readSummaries(redis, candidates);
    for (const [i, candidate] of candidates.entries()) {
      after = candidate;
      const job = summaries[i];
      if (!job || seen.has(candidate.jobId) || !isStill(candidate, job) || !matches(job, filter)) continue;
      seen.add(candidate.jobId);
      jobs.push(job.summary);
      if (jobs.length === limit) return { jobs, nextCursor: cursorOf(after) };
    }
    if (candidates.length < limit) return { jobs, nextCursor: null };
  }
  return { jobs, nextCursor: cursorOf(after) };
}

async function findByRequest(
  shards: JobShards,
  redis: Redis,
  requestId: string,
  filter: JobFilter,
): Promise<JobSummary | undefined> {
  const { story } = (await findStory(shards, redis, requestId)) ?? {};
  if (!story) return undefined;
  const { sessionId, userId, status, code, cause, addedAt, endedAt, attempts } = story;
  const summary = { requestId, sessionId, userId, status, code, cause, addedAt, endedAt, attempts };
  const at = Date.parse(endedAt ?? addedAt);
  const inTime = at >= (filter.from ?? 0) && at <= (filter.until ?? Number.POSITIVE_INFINITY);
  return inTime && matches({ summary, at }, filter) ? summary : undefined;
}

/** Whether a job is where it was found. It may have been retried, or have ended, since. */
const isStill = ({ at, place }: Candidate, { summary, at: now }: FoundJob) =>
  place ? summary.endedAt === null : summary.endedAt !== null && Math.abs(now - at) < SAME_END_MS;

const matches = ({ summary }: FoundJob, { status, code, userId, sessionId }: JobFilter) =>
  (status === undefined || summary.status === status) &&
  (code === undefined || summary.code === code) &&
  (userId === undefined || summary.userId === userId) &&
  (sessionId === undefined || summary.sessionId === sessionId);

import { cutText } from '../../../contracts/cut-text.ts';
import type { JobStatus, JobStory, JobSummary } from '../../../contracts/jobs.ts';
import { traceIdOf } from '../../../contracts/traceparent.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { type ChatJobData, type ChatJobResult, jobIdOf } from '../chat-job.ts';
import type { JobShard } from '../job-shards.ts';
import type { PlaceInLine } from '../place-in-line.ts';
import { readJobState } from '../read-job-data.ts';
import type { LivePlace } from '../redis-scripts/find-live-jobs.ts';
import type { Candidate } from './candidates.ts';
import { codeIn } from './ended-line.ts';

const MAX_CAUSE_CHARS = 500;

const SUMMARY_FIELDS = ['data', 'returnvalue', 'failedReason', 'timestamp', 'finishedOn', 'atm'] as const;
const STORY_FIELDS = [...SUMMARY_FIELDS, 'processedOn', 'stc', 'opts', 'progress', 'stacktrace'] as const;

type Fields<Name extends string> = Record<Name, string | null>;

/** A summary, and when the job ended or else was added, ms. */
export interface FoundJob {
  summary: JobSummary;
  at: number;
}

const statusOf: Record<LivePlace, JobStatus> = {
  wait: 'waiting',
  prioritized: 'waiting',
  delayed: 'delayed',
  active: 'active',
};

/** The jobs that are still there, in their order: undefined for one that is not. One round trip. */
export async function readSummaries(
  redis: Redis,
  candidates: readonly Pick<Candidate, 'jobId' | 'shard' | 'place'>[],
): Promise<(FoundJob | undefined)[]> {
  if (candidates.length === 0) return [];
  const replies = await orStoreUnavailable(
    Promise.all(candidates.map(({ jobId, shard }) => redis.hmget(shard.toKey(jobId), ...SUMMARY_FIELDS))),
  );
  return candidates.map(({ jobId, place }, i) => {
    const job = named(SUMMARY_FIELDS, replies[i]!);
    const requestId = requestIdOf(jobId);
    if (job.timestamp === null || requestId === undefined) return undefined;
    const at = Number(job.finishedOn ?? job.timestamp);
    return { summary: summaryOf(requestId, job, place && statusOf[place]), at };
  });
}

/** Returns the story of a job. @param place where it is; see placesInLine */
export async function readStory(
  { name, toKey }: JobShard,
  redis: Redis,
  requestId: string,
  place: PlaceInLine,
): Promise<JobStory | undefined> {
  const values = await orStoreUnavailable(redis.hmget(toKey(jobIdOf(requestId)), ...STORY_FIELDS));
  const job = named(STORY_FIELDS, values);
  if (job.timestamp === null) return undefined;
  const live = place.kind === 'waiting' || place.kind === 'delayed' || place.kind === 'active' ? place.kind : undefined;
  const data = dataOf(job);
  const result = resultOf(job);
  const state = readJobState(job.progress ?? '');
  const steps = result?.steps ?? state?.steps ?? [];
  return {
    ...summaryOf(requestId, job, live),
    queue: name,
    traceId: result?.traceId ?? (traceIdOf(data.traceparent ?? '') || null),
    startedAt: isoOf(job.processedOn),
    deadline: data.request?.deadline ?? null,
    maxAttempts: jsonOf<{ attempts?: number }>(job.opts)?.attempts ?? 1,
    crashes: Number(job.stc ?? 0),
    ahead: place.kind === 'waiting' ? place.ahead : null,
    nextAttemptAt: place.kind === 'delayed' ? isoOf(place.dueAt) : null,
    retry: state?.retry ? { since: state.retry.since, code: state.retry.code } : null,
    steps: steps.map(({ step, attempt, ms, failed, waited }) => ({
      ...{ step, attempt, ms, failed: failed ?? null },
      waited: waited ? { gate: waited.gate, times: waited.times } : null,
    })),
    failures: (jsonOf<string[]>(job.stacktrace) ?? []).map((line) => cutText(line, MAX_CAUSE_CHARS)),
    answer: result
      ? {
          model: result.model,
          provider: result.provider,
          cached: result.cached,
          usage: result.usage,
          timings: result.timings,
        }
      : null,
  };
}

function summaryOf(
  requestId: string,
  job: Fields<(typeof SUMMARY_FIELDS)[number]>,
  live: JobStatus | undefined,
): JobSummary {
  const { request } = dataOf(job);
  const result = resultOf(job);
  const failedReason = job.finishedOn !== null && !result ? (job.failedReason ?? '') : undefined;
  return {
    requestId,
    sessionId: request?.sessionId ?? result?.sessionId ?? null,
    userId: request?.userId ?? result?.userId ?? null,
    // A job that was not found is just moving from one place to another.
    status: result?.status ?? (failedReason !== undefined ? 'failed' : (live ?? 'active')),
    code: failedReason === undefined ? null : codeIn(failedReason),
    cause: failedReason === undefined ? null : cutText(failedReason, MAX_CAUSE_CHARS),
    addedAt: isoOf(job.timestamp) ?? '',
    endedAt: isoOf(job.finishedOn),
    attempts: Number(job.atm ?? 0),
  };
}

const named = <Name extends string>(names: readonly Name[], values: readonly (string | null)[]) =>
  Object.fromEntries(names.map((name, i) => [name, values[i] ?? null])) as Fields<Name>;

/** undefined for a job whose id we did not make. Somebody has added it by hand, and no request has it. */
export function requestIdOf(jobId: string): string | undefined {
  try {
    return jobId.startsWith('r-') ? decodeURIComponent(jobId.slice(2)) : undefined;
  } catch {
    return undefined;
  }
}

const dataOf = ({ data }: { data: string | null }) => jsonOf<Partial<ChatJobData>>(data) ?? {};

const resultOf = ({ returnvalue }: { returnvalue: string | null }) => jsonOf<ChatJobResult>(returnvalue) ?? undefined;

function jsonOf<T>(json: string | null): T | undefined {
  try {
    const value: unknown = JSON.parse(json ?? '');
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

const isoOf = (ms: string | number | null) => (ms === null ? null : new Date(Number(ms)).toISOString());

import { InvalidCursorError } from '../../../contracts/jobs.ts';

/** The position of a job in the results, which are ordered by time and then by id, the latest first. */
export interface Position {
  /** When it ended, or when it was added if it has not; ms. */
  at: number;
  jobId: string;
}

/** Sorts positions as results are: the latest first. */
export const latestFirst = (a: Position, b: Position) => b.at - a.at || (a.jobId < b.jobId ? 1 : -1);

/** Whether a result comes later in the list than another, so that it is on a later page. */
export const comesAfter = (result: Position, other: Position) =>
  result.at < other.at || (result.at === other.at && result.jobId < other.jobId);

/** The position before all jobs that ended at that time or earlier. */
export const startAt = (at: number | undefined): Position => ({
  at: (at ?? Number.MAX_SAFE_INTEGER - 1) + 1,
  jobId: '',
});

export const cursorOf = ({ at, jobId }: Position) => Buffer.from(`${at} ${jobId}`).toString('base64url');

/** @throws InvalidCursorError */
export function readCursor(cursor: string): Position {
  const [, at, jobId] = /^(\d{1,16}) (\S+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (at === undefined || jobId === undefined) throw new InvalidCursorError();
  return { at: Number(at), jobId };
}

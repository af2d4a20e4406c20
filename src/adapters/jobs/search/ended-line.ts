import { hash } from 'node:crypto';

/** A job that has ended, as the search finds it. */
export interface EndedJob {
  jobId: string;
  /** When it ended, ms. */
  at: number;
  status: 'completed' | 'cancelled' | 'failed';
  /** Why it failed; '' if it has not. */
  code: string;
  /** '' if the job's data does not say. */
  userId: string;
  sessionId: string;
}

/** A line is about the latest end of a job only if their times differ by less than this, ms. */
export const SAME_END_MS = 60_000;

/** What a line says. A line has only hashes of user and session: they can be compared, but not read. */
export type EndedLine = Pick<EndedJob, 'jobId' | 'at' | 'status' | 'code'>;

/** 64 bits: two users with the same hash would only make a search look at a job too many. */
const HASH_CHARS = 11;
const hashOf = (id: string) => hash('sha1', id, 'base64url').slice(0, HASH_CHARS);

/** `{at} {job id} {hash of user} {hash of session} {status} {code}`, and a line break. No part has a space in it. */
export const lineOf = ({ at, jobId, userId, sessionId, status, code }: EndedJob) =>
  `${at} ${jobId} ${hashOf(userId)} ${hashOf(sessionId)} ${status} ${code || '-'}\n`;

export function readLine(line: string): EndedLine {
  const [at, jobId = '', , , status, code = '-'] = line.trimEnd().split(' ');
  return { at: Number(at), jobId, status: status as EndedLine['status'], code: code === '-' ? '' : code };
}

/** What a line contains, if it is about such a job. */
export function partsOf(wanted: {
  userId?: string | undefined;
  sessionId?: string | undefined;
  status?: EndedJob['status'] | undefined;
  code?: string | undefined;
}): string[] {
  const parts = [];
  if (wanted.userId !== undefined && wanted.sessionId !== undefined) {
    parts.push(` ${hashOf(wanted.userId)} ${hashOf(wanted.sessionId)} `);
  } else if (wanted.userId !== undefined) parts.push(` ${hashOf(wanted.userId)} `);
  else if (wanted.sessionId !== undefined) parts.push(` ${hashOf(wanted.sessionId)} `);
  if (wanted.code !== undefined) parts.push(` ${wanted.code}\n`);
  if (wanted.status !== undefined) parts.push(` ${wanted.status} `);
  return parts;
}

/** The code in the reason of a failed job: `step: code: cause`, or `code: cause`. */
export const codeIn = (failedReason: string) => /^(?:[\w-]*: )?([a-z_]+): /.exec(failedReason)?.[1] ?? 'internal_error';

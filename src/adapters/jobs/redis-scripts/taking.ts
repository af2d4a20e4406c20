import type { ChatJobData } from '../chat-job.ts';

/** How many jobs a script may take, and under which tokens: a prefix and a number, counted on from the first. */
export interface Room {
  count: number;
  lockMs: number;
  tokenPrefix: string;
  firstToken: number;
}

export const NO_ROOM: Room = { count: 0, lockMs: 0, tokenPrefix: '', firstToken: 0 };

/** A job that a script has taken, as it was found. */
export interface TakenJob {
  jobId: string;
  /** Under which it is locked. */
  token: string;
  /** JSON */
  data: string;
  /** The same, where it is at hand. */
  parsedData?: ChatJobData;
  /** JSON; empty for a job that was never saved. */
  progress: string;
  /** JSON */
  options: string;
  attemptsMade: number;
  /** How often a worker has died over it. */
  crashes: number;
}

/** @param number of the job among those that were taken, from 0 */
export const tokenOf = ({ tokenPrefix, firstToken }: Room, number: number) => `${tokenPrefix}${firstToken + number}`;

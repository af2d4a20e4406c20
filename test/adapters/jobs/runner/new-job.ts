import { randomUUID } from 'node:crypto';
import { jobIdOf } from '../../../../src/adapters/jobs/chat-job.ts';
import type { NewJob } from '../../../../src/adapters/jobs/job-queue.ts';
import type { TakenJob } from '../../../../src/adapters/jobs/redis-scripts/taken-job.ts';

/** A job to add. */
export const newJob = (requestId: string = randomUUID()): NewJob => ({
  request: {
    version: 1,
    requestId,
    sessionId: 's',
    userId: 'u',
    message: 'm',
    context: [],
    cache: true,
    priority: 'interactive',
  },
  traceparent: '00-0-0-00',
  receivedAt: '2026-01-01T00:00:00.000Z',
});

/** The same job as a script returns it after taking it. */
export const takenJob = (requestId: string, different: Partial<TakenJob> = {}): TakenJob => ({
  jobId: jobIdOf(requestId),
  data: JSON.stringify(newJob(requestId)),
  options: '{"attempts":2}',
  attemptsMade: 0,
  attemptsStarted: 1,
  crashes: 0,
  progress: '',
  cancelled: false,
  ...different,
});

import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { inBatches } from '../redis/in-batches.ts';
import type { ChatJobData, ChatJobResult, WorkflowState } from './chat-job.ts';
import { saveJobs } from './redis-scripts/save-jobs.ts';

type ChatJob = Job<ChatJobData, ChatJobResult>;

const MAX_BATCH = 100;

/** Where jobs keep how far they have come. */
export interface JobStates {
  /** Writes the state into the job as it is now; what is saved at the same time shares one round trip. */
  saveState(job: ChatJob, state: WorkflowState): Promise<void>;
}

/** @param keyOf where BullMQ has a job */
export function createJobStates(redis: Redis, keyOf: (jobId: string) => string): JobStates {
  const save = inBatches(
    async (jobs: { key: string; data: string }[]) => {
      await saveJobs(redis, jobs);
      return [];
    },
    { maxItems: MAX_BATCH },
  );
  return {
    saveState: async (job, state) => {
      job.data = { ...job.data, workflow: state };
      await save({ key: keyOf(job.id!), data: JSON.stringify(job.data) });
    },
  };
}

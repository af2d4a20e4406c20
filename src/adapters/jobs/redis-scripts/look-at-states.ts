import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'look-at-states');

const STATES = ['wait', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const;

export type JobState = (typeof STATES)[number];

/** The jobs of a shard, as an operator sees them. */
export interface JobStates {
  paused: boolean;
  /** `ageMs`: how long ago the first job was added, or has ended. undefined: there is none. */
  states: Record<JobState, { count: number; ageMs: number | undefined }>;
}

/** Counts the jobs in each state: one round trip. */
export async function lookAtStates(redis: Redis, toKey: ToKey): Promise<JobStates> {
  const [paused, ...seen] = (await script(redis, keysOf(toKey, ...STATES, 'meta'), [toKey('')])) as number[];
  const states = STATES.map((state, index) => {
    const [count, ageMs] = [seen[2 * index]!, seen[2 * index + 1]!];
    return [state, { count, ageMs: ageMs < 0 ? undefined : ageMs }] as const;
  });
  return { paused: paused === 1, states: Object.fromEntries(states) as JobStates['states'] };
}

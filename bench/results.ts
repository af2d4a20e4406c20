import type { DrainResult } from './drain.ts';
import type { OpenLoopResult } from './open-loop.ts';

/** All measurements of a run. */
export interface Results {
  machine: Record<string, string>;
  rounds: number;
  workloads: { name: string; title: string; entries: { title: string; samples: DrainResult[] }[] }[];
  openLoop: { capacity: number; results: OpenLoopResult[] }[];
}

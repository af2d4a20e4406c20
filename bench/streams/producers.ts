import { join } from 'node:path';
import { type GuardedProcess, startGuarded } from '../../tools/services/guarded-process.ts';
import { PROFILING } from '../contenders.ts';
import type { ProducerSettings } from './token-source.ts';

/** Starts a process that produces streams: `produce-NAME.ts`. */
export const startProducer = (name: 'logs' | 'resumable', settings: ProducerSettings): Promise<GuardedProcess> =>
  startGuarded(process.execPath, [...PROFILING, join(import.meta.dirname, `produce-${name}.ts`)], {
    env: { PATH: process.env.PATH, PRODUCER: JSON.stringify(settings) },
  });

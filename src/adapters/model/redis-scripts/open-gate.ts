import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import type { GateKeys } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'open-gate');

/** Lets all calls of all workers pass again. One round trip. @returns whether the gate was shut */
export async function openGate(redis: Redis, keys: GateKeys, channel: string, name: string): Promise<boolean> {
  return (await script(redis, keys, [channel, name])) === 1;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What something costs the servers. Each is linear: a part for the request, and a part for each token of its answer. */
const cost = z.object({
  redisCommands: z.number(),
  redisCpuMs: z.number(),
  /** Into Redis and out of it. */
  redisNetworkBytes: z.number(),
  /** Of the append-only file. */
  redisDiskBytes: z.number(),
  /** Entries of answer logs. */
  logWrites: z.number(),
  /** Published and delivered ones. */
  rabbitMqMessages: z.number(),
  rabbitMqCpuMs: z.number(),
  rabbitMqNetworkBytes: z.number(),
  rabbitMqDiskBytes: z.number(),
  /** Documents that are inserted or updated. */
  mongoDbWrites: z.number(),
  mongoDbBytes: z.number(),
  apiCpuMs: z.number(),
  workerCpuMs: z.number(),
  /** What the answer's log takes in Redis until it expires. */
  redisLogBytes: z.number(),
  /** What the cached answers take in Redis until they expire. */
  redisCacheBytes: z.number(),
  /** What the session takes in Redis while it is in use. */
  redisSessionBytes: z.number(),
  /** All else that the request leaves in Redis. */
  redisOtherBytes: z.number(),
});

export const costs = z.object({
  /** On what it was measured. */
  machine: z.record(z.string(), z.string()),
  perRequest: cost,
  perToken: cost,
});

export type Cost = z.output<typeof cost>;
export type Costs = z.output<typeof costs>;

export const COSTS_FILE = join(import.meta.dirname, 'costs.json');

export const readCosts = (file = COSTS_FILE): Costs => costs.parse(JSON.parse(readFileSync(file, 'utf8')));

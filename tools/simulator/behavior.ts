import { z } from 'zod';
import { oddModes, scriptedReply } from './odd-replies.ts';
import { logNormal, seededRandom } from './random.ts';

/** The longest a call is delayed, in ms. */
const MAX_LATENCY_MS = 3_600_000;

export const modes = [
  'ok',
  'echo',
  'error',
  'insufficient_quota',
  'content_filter',
  'content_filter_rejected',
  'context_length_exceeded',
  'hang',
  'cut',
  'invalid_json',
  'empty',
  'scripted',
  ...oddModes,
] as const;

/** How a stream is written. Tokens are counted from 1. It has no effect on calls that are not streamed. */
export const streaming = z.strictObject({
  /** Left out: all at once, or within the latency. */
  tokensPerSecond: z.number().positive().max(10_000).optional(),
  /** The answer is made this long, in tokens. */
  tokens: z.int().positive().max(100_000).optional(),
  /** Before this token, the stream pauses for `stallMs`. */
  stallAt: z.int().positive().optional(),
  stallMs: z.number().min(0).max(MAX_LATENCY_MS).default(60_000),
  /** Instead of this token, the stream breaks off: by a reset, an end without a finish reason, or an error in a chunk. */
  breakAt: z.int().positive().optional(),
  breakBy: z.enum(['reset', 'end', 'error']).default('reset'),
  /** Comments before each token, and while it stalls. */
  comments: z.boolean().default(false),
  usage: z.enum(['asked', 'none', 'with-last-token']).default('asked'),
  /** Writes every chunk in two halves, which are cut within a character if there is one of several bytes. */
  cutBytes: z.boolean().default(false),
  /** Each token is the time when it is written: µs of the machine's monotonic clock (`process.hrtime`). */
  times: z.boolean().default(false),
});

const latencyMs = z.number().min(0).max(MAX_LATENCY_MS);

const fault = z.strictObject({
  mode: z.enum(modes).default('ok'),
  /** HTTP status for mode `error`. */
  status: z.int().min(400).max(599).default(500),
  retryAfterSeconds: z.int().nonnegative().optional(),
  retryAfterFormat: z.enum(['seconds', 'http-date']).default('seconds'),
  /** The whole reply, for mode `scripted`. */
  reply: scriptedReply.optional(),
  /** What the model says, instead of an answer that names the question. */
  answer: z.string().max(100_000).optional(),
  stream: streaming.optional(),
});

/** How the simulator treats all calls whose message has no marker. It is the body of `PUT /control/behavior`. */
export const behavior = fault.extend({
  /** Fixed, or log-normal. */
  latencyMs: z.union([latencyMs, z.strictObject({ median: latencyMs, sigma: z.number().min(0).max(5) })]).default(0),
  /** The share of calls that the mode applies to. */
  probability: z.number().min(0).max(1).default(1),
  /** The mode applies to this many calls. Later calls get `ok`. */
  calls: z.int().nonnegative().optional(),
  seed: z.int().default(1),
});

export type Fault = z.output<typeof fault>;
export type Behavior = z.output<typeof behavior>;

/** How the simulator treats one call. */
export interface Plan {
  fault: Fault;
  latencyMs: number;
}

const NO_FAULT: Fault = fault.parse({});

export const faultOf = (given: Partial<Fault>): Fault => ({ ...NO_FAULT, ...given });

/** Plans calls according to a behavior. The same behavior and seed plan the same calls in the same order. */
export function createPlanner(current: Behavior): { behavior: Behavior; next(): Plan } {
  const random = seededRandom(current.seed);
  let callsLeft = current.calls ?? Number.POSITIVE_INFINITY;

  const nextLatency = () => {
    if (typeof current.latencyMs === 'number') return current.latencyMs;
    return Math.min(MAX_LATENCY_MS, logNormal(random, current.latencyMs.median, current.latencyMs.sigma));
  };
  const nextFault = () => {
    if (callsLeft === 0) return NO_FAULT;
    callsLeft -= 1;
    return current.probability === 1 || random() < current.probability ? current : NO_FAULT;
  };
  return { behavior: current, next: () => ({ fault: nextFault(), latencyMs: nextLatency() }) };
}

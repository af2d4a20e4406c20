import type { Redis } from 'ioredis';
import { defineScript } from '../redis/define-script.ts';

/** The gate, a hash with `until` (ms of Redis's clock) and `probes` that failed; and the lease of the probe. */
export type GateKeys = readonly [gate: string, probe: string];

/** A gate that nobody looks at any more is forgotten this long after its time. */
const FORGOTTEN_MS = 3_600_000;
const MOST_TIMES_LONGER = 4;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

const SHUT_UNTIL = `
local function shut(gate, untilMs, channel, name)
  redis.call('HSET', gate, 'until', string.format('%.0f', untilMs))
  redis.call('PEXPIRE', gate, untilMs - now + ${FORGOTTEN_MS})
  redis.call('PUBLISH', channel, cjson.encode({name, untilMs - now}))
  return untilMs - now
end
`;

/** KEYS: gate. */
const lookScript = defineScript(`${NOW}
local untilMs = redis.call('HGET', KEYS[1], 'until')
if not untilMs then return -1 end
return math.max(0, tonumber(untilMs) - now)
`);

/** How long it is still shut, in ms; undefined where it is closed, as of a circuit. */
export async function lookAtGate(redis: Redis, [gate]: GateKeys): Promise<number | undefined> {
  const leftMs = (await lookScript(redis, [gate], [])) as number;
  return leftMs < 0 ? undefined : leftMs;
}

/** KEYS: gate. ARGV: ms, channel, name. */
const shutScript = defineScript(`${NOW}${SHUT_UNTIL}
local before = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
return shut(KEYS[1], math.max(before, now + tonumber(ARGV[1])), ARGV[2], ARGV[3])
`);

/** Shuts it for at least `ms`, and tells all workers; gives how long it is shut now, in ms. */
export const shutGate = async (redis: Redis, [gate]: GateKeys, ms: number, channel: string, name: string) =>
  (await shutScript(redis, [gate], [Math.ceil(ms), channel, name])) as number;

/** KEYS: gate, probe. ARGV: id, lease in ms. */
const claimScript = defineScript(`${NOW}
local untilMs = redis.call('HGET', KEYS[1], 'until')
if not untilMs then return -1 end
if tonumber(untilMs) > now then return tonumber(untilMs) - now end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return -2
`);

/** Takes the probe for this worker, unless it is taken, or the gate is not half-open. */
export async function claimProbe(
  redis: Redis,
  [gate, probe]: GateKeys,
  id: string,
  leaseMs: number,
): Promise<'probe' | 'taken' | 'closed' | { leftMs: number }> {
  const verdict = (await claimScript(redis, [gate, probe], [id, leaseMs])) as number;
  if (verdict === 0) return 'probe';
  if (verdict === -1) return 'closed';
  return verdict === -2 ? 'taken' : { leftMs: verdict };
}

/** KEYS: probe. ARGV: id. */
const releaseScript = defineScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/** Gives the probe up, so that another may take it; one that has run out and is another's by now is left alone. */
export async function releaseProbe(redis: Redis, [, probe]: GateKeys, id: string): Promise<void> {
  await releaseScript(redis, [probe], [id]);
}

/** KEYS: gate, probe. ARGV: channel, name. */
const openScript = defineScript(`
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], cjson.encode({ARGV[2], -1}))
`);

/** Lets all calls of all workers pass again. */
export async function openGate(redis: Redis, keys: GateKeys, channel: string, name: string): Promise<void> {
  await openScript(redis, keys, [channel, name]);
}

/** KEYS: gate, probe. ARGV: id, ms, channel, name. */
const reopenScript = defineScript(`${NOW}${SHUT_UNTIL}
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
local probes = redis.call('HINCRBY', KEYS[1], 'probes', 1)
local before = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
local ms = tonumber(ARGV[2]) * math.min(${MOST_TIMES_LONGER}, 2 ^ (probes - 1))
return shut(KEYS[1], math.max(before, now + ms), ARGV[3], ARGV[4])
`);

/** The probe failed: shuts it again, longer with each that did; gives how long, in ms. */
export const reopenGate = async (
  redis: Redis,
  keys: GateKeys,
  id: string,
  ms: number,
  channel: string,
  name: string,
): Promise<number> => (await reopenScript(redis, keys, [id, ms, channel, name])) as number;

import type { Redis } from 'ioredis';
import type { GateCause } from '../../contracts/gates.ts';
import { defineScript, SERVER_TIME } from '../redis/define-script.ts';

/**
 * The gate, a hash: `until` and `since` (ms of Redis's clock), `cause`, `key` (the fingerprint of the key that a broken
 * provider was asked with) and `probes` that failed; and the lease of the probe.
 */
export type GateKeys = readonly [gate: string, probe: string];

/** What is written down when a gate is shut. */
export interface Shutting {
  ms: number;
  cause: GateCause;
  /** The fingerprint of our key. */
  key: string;
}

/** How a gate stands. */
export interface GateStanding {
  /** ms until it is half-open */
  leftMs: number;
  cause: GateCause;
  /** The fingerprint of the key that was in use when it was shut. */
  key: string;
}

/** A gate that nobody looks at any more is forgotten this long after its time. */
const FORGOTTEN_MS = 3_600_000;
const MOST_TIMES_LONGER = 4;

/** Never shorter than it is shut already; while it is, the cause of the longer time stays. */
const SHUT_UNTIL = `
local function shut(gate, untilMs, cause, key, channel, name)
  local before = tonumber(redis.call('HGET', gate, 'until') or '0')
  if untilMs >= before then
    redis.call('HSET', gate, 'until', string.format('%.0f', untilMs), 'cause', cause, 'key', key)
  else
    untilMs = before
    cause = redis.call('HGET', gate, 'cause') or cause
    key = redis.call('HGET', gate, 'key') or key
  end
  redis.call('HSETNX', gate, 'since', string.format('%.0f', now))
  redis.call('PEXPIRE', gate, untilMs - now + ${FORGOTTEN_MS})
  redis.call('PUBLISH', channel, cjson.encode({name, untilMs - now, cause, key}))
  return {untilMs - now, cause, key}
end
`;

type RawStanding = [leftMs: number, cause: GateCause, key: string];

const standingOf = ([leftMs, cause, key]: RawStanding): GateStanding => ({ leftMs, cause, key });

/** KEYS: gate. Gives ms left, cause, key; or -1: it is closed. */
const lookScript = defineScript(`${SERVER_TIME}
local gate = redis.call('HMGET', KEYS[1], 'until', 'cause', 'key')
if not gate[1] then return -1 end
return {math.max(0, tonumber(gate[1]) - now), gate[2] or 'failures', gate[3] or ''}
`);

/** How it is shut; undefined where it is closed, as of a circuit. */
export async function lookAtGate(redis: Redis, [gate]: GateKeys): Promise<GateStanding | undefined> {
  const standing = (await lookScript(redis, [gate], [])) as RawStanding | -1;
  return standing === -1 ? undefined : standingOf(standing);
}

/** KEYS: gate. ARGV: ms, cause, key, channel, name. */
const shutScript = defineScript(`${SERVER_TIME}${SHUT_UNTIL}
return shut(KEYS[1], now + tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5])
`);

/** Shuts it for at least `ms`, and tells all workers; gives how it is shut now. */
export async function shutGate(
  redis: Redis,
  [gate]: GateKeys,
  { ms, cause, key }: Shutting,
  channel: string,
  name: string,
): Promise<GateStanding> {
  return standingOf((await shutScript(redis, [gate], [Math.ceil(ms), cause, key, channel, name])) as RawStanding);
}

/** KEYS: gate, probe. ARGV: id, lease in ms, key. Whoever has another key than the one that was refused need not wait. */
const claimScript = defineScript(`${SERVER_TIME}
local gate = redis.call('HMGET', KEYS[1], 'until', 'cause', 'key')
if not gate[1] then return -1 end
local hasNewKey = gate[2] == 'key' and gate[3] ~= ARGV[3]
if tonumber(gate[1]) > now and not hasNewKey then
  return {tonumber(gate[1]) - now, gate[2] or 'failures', gate[3] or ''}
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return -2
`);

/** Takes the probe for this worker, unless it is taken, or the gate is not half-open. */
export async function claimProbe(
  redis: Redis,
  [gate, probe]: GateKeys,
  id: string,
  leaseMs: number,
  key: string,
): Promise<'probe' | 'taken' | 'closed' | GateStanding> {
  const verdict = (await claimScript(redis, [gate, probe], [id, leaseMs, key])) as number | RawStanding;
  if (Array.isArray(verdict)) return standingOf(verdict);
  if (verdict === 0) return 'probe';
  return verdict === -1 ? 'closed' : 'taken';
}

/** KEYS: probe. ARGV: id. */
const releaseScript = defineScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/** Gives the probe up, so that another may take it; one that has run out and is another's by now is left alone. */
export async function releaseProbe(redis: Redis, [, probe]: GateKeys, id: string): Promise<void> {
  await releaseScript(redis, [probe], [id]);
}

/** KEYS: gate, probe. ARGV: channel, name. Gives whether it was shut. */
const openScript = defineScript(`
local was = redis.call('EXISTS', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], cjson.encode({ARGV[2], -1}))
return was
`);

/** Lets all calls of all workers pass again; gives whether it was shut. */
export async function openGate(redis: Redis, keys: GateKeys, channel: string, name: string): Promise<boolean> {
  return (await openScript(redis, keys, [channel, name])) === 1;
}

/** KEYS: gate, probe. ARGV: id, ms, cause, key, channel, name. */
const reopenScript = defineScript(`${SERVER_TIME}${SHUT_UNTIL}
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
local probes = redis.call('HINCRBY', KEYS[1], 'probes', 1)
local ms = tonumber(ARGV[2]) * math.min(${MOST_TIMES_LONGER}, 2 ^ (probes - 1))
return shut(KEYS[1], now + ms, ARGV[3], ARGV[4], ARGV[5], ARGV[6])
`);

/** The probe failed: shuts it again, longer with each that did; gives how it is shut now. */
export async function reopenGate(
  redis: Redis,
  keys: GateKeys,
  id: string,
  { ms, cause, key }: Shutting,
  channel: string,
  name: string,
): Promise<GateStanding> {
  return standingOf((await reopenScript(redis, keys, [id, ms, cause, key, channel, name])) as RawStanding);
}

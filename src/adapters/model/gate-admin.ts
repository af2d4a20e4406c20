import type { Gate, GateAdmin, GateCause } from '../../contracts/gates.ts';
import { GATE_CHANNEL, GATES_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import type { TextTerms } from '../../contracts/text-permission.ts';
import { channelOf } from '../redis/channels.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { openGate } from './redis-scripts/open-gate.ts';
import { shutGate } from './redis-scripts/shut-gate.ts';

/** An open gate is listed until no worker has registered it for this long. */
const LISTED_MS = 24 * 3_600_000;

/** What a worker says of a gate. */
export interface RegisteredGate extends Partial<TextTerms> {
  provider: string;
  model: string;
  /** Why texts may not go there, so that it is never asked. */
  refusal?: 'region' | 'agreement' | undefined;
}

/** As Redis has it. */
type Registered = RegisteredGate & { seenAt: number };

/** Notes that a worker has this gate, so that operators find it. */
export async function registerGate(redis: Redis, name: string, gate: RegisteredGate) {
  await redis.hset(GATES_KEY, name, JSON.stringify({ ...gate, seenAt: Date.now() } satisfies Registered));
}

/**
 * Lists the gates that all workers share, and lets operators open and shut them.
 * @throws StoreUnavailableError
 */
export function createGateAdmin(redis: Redis): GateAdmin {
  async function look(name: string, registered: Registered, now: number): Promise<Gate> {
    const { provider, model, region = '', agreement = '', refusal } = registered;
    const terms = { region: region || null, agreement: agreement || null };
    if (refusal) {
      const never = { since: null, until: null, keyFingerprint: null };
      return { gate: name, provider, model, ...terms, state: 'shut', cause: `no-${refusal}`, ...never };
    }
    const [until, since, cause, key] = await redis.hmget(redisKeys.gate(name), 'until', 'since', 'cause', 'key');
    const shutUntil = until ? Number(until) : undefined;
    const isoOf = (ms: number | string | null | undefined) => (ms ? new Date(Number(ms)).toISOString() : null);
    return {
      gate: name,
      provider,
      model,
      ...terms,
      state: shutUntil === undefined ? 'open' : shutUntil > now ? 'shut' : 'probing',
      cause: shutUntil === undefined ? null : ((cause as GateCause | null) ?? 'failures'),
      since: isoOf(since),
      until: isoOf(shutUntil),
      keyFingerprint: key || null,
    };
  }

  return {
    list: () => orStoreUnavailable(list()),
    open: (name) => orStoreUnavailable(open(name)),
    shut: (name, forMs) => orStoreUnavailable(shut(name, forMs)),
  };

  async function list(): Promise<Gate[]> {
    const [registered, [seconds]] = await Promise.all([redis.hgetall(GATES_KEY), redis.time()]);
    const now = Number(seconds) * 1000;
    const known = Object.entries(registered).map(([name, json]) => [name, JSON.parse(json) as Registered] as const);
    const gates = await Promise.all(
      known.map(async ([name, of]) => ({ gate: await look(name, of, now), isRecent: now - of.seenAt < LISTED_MS })),
    );
    return gates
      .filter(({ gate, isRecent }) => isRecent || gate.state !== 'open')
      .map(({ gate }) => gate)
      .sort((a, b) => a.gate.localeCompare(b.gate));
  }

  async function open(name: string): Promise<{ gate: string; wasShut: boolean } | undefined> {
    if (!(await redis.hexists(GATES_KEY, name))) return undefined;
    const wasShut = await openGate(redis, keysOf(name), channelOf(redis, GATE_CHANNEL), name, 'operator');
    return { gate: name, wasShut: wasShut === true };
  }

  async function shut(name: string, forMs: number) {
    if (!(await redis.hexists(GATES_KEY, name))) return undefined;
    const wasShut = (await redis.exists(redisKeys.gate(name))) === 1;
    const shutting = { ms: forMs, cause: 'operator', key: '' } as const;
    const { leftMs, cause } = await shutGate(redis, keysOf(name), shutting, channelOf(redis, GATE_CHANNEL), name);
    return { gate: name, wasShut, until: new Date(Date.now() + leftMs).toISOString(), cause };
  }
}

const keysOf = (name: string) => [redisKeys.gate(name), redisKeys.probe(name)] as const;

/** Whether no model may be asked at present. If no gate is known, a model may be asked. */
export async function areAllShut(gates: Pick<GateAdmin, 'list'>): Promise<boolean> {
  const known = await gates.list();
  return known.length > 0 && known.every(({ state }) => state !== 'open');
}

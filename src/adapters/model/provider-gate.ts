import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { ModelPausedError } from '../../contracts/errors.ts';
import { GATE_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { claimProbe, lookAtGate, openGate, releaseProbe, reopenGate, shutGate } from './gate-scripts.ts';

/**
 * Whether a provider's model may be asked, for all workers together:
 * - *closed*, as of a circuit: it may
 * - *open*: it may not, for a time: it is down, or has asked to be left alone
 * - *half-open*: the time is over; one call in all workers probes it, and all others wait for what becomes of that
 */
export type GateState = 'closed' | 'open' | 'half-open';

/**
 * The state is in Redis, with Redis's clock, and each worker knows it: by notice when it changes, and by a look every
 * few seconds. So a call costs no round trip while the gate is closed or open. Without Redis each worker goes by what it
 * knows itself.
 */
export interface ProviderGate {
  readonly state: GateState;
  /** Counts the changes of state that this worker has seen. */
  readonly era: number;
  /**
   * Lets a call pass, as one of many or as the probe.
   * @throws ModelPausedError
   */
  enter(): Promise<'call' | 'probe'>;
  /** Shuts it for all workers: for so long, or longer where it is shut for longer already. */
  shut(ms: number): Promise<void>;
  /** What became of the probe; undefined: nothing that says anything, and another may probe. */
  probed(well: boolean | undefined): Promise<void>;
  close(): void;
}

const LOOK_MS = 5_000;
/** A worker that has just started does not ask before it knows, but no longer than this. */
const FIRST_LOOK_MS = 1_000;
/** While another worker probes, come back after this. */
const PROBE_WAIT_MS = 1_000;
/** Those who were refused come back spread over this share of the open time. */
const JITTER = 0.1;

export function createProviderGate(options: {
  /** Of the provider and its model. */
  name: string;
  /** Its commands must fail soon when Redis is away: calls wait for them. */
  redis: Redis;
  /** A connection that is subscribed, to the same. */
  subscriber: Redis;
  /** How long it stays shut after the first failed probe; up to four times as long after further ones. */
  openMs: number;
  /** A probe is over by then; if its worker dies, another probes. */
  probeMs: number;
  onStateChange: (state: GateState) => void;
}): ProviderGate {
  const { name, redis, subscriber, openMs, probeMs, onStateChange } = options;
  const keys = [redisKeys.gate(name), redisKeys.probe(name)] as const;
  /** ms of our clock; undefined: not shut. */
  let shutUntil: number | undefined;
  let said: GateState = 'closed';
  let era = 0;
  let learned = 0;
  let probe: string | undefined;

  const stateNow = (): GateState =>
    shutUntil === undefined ? 'closed' : Date.now() < shutUntil ? 'open' : 'half-open';
  const say = () => {
    if (stateNow() === said) return;
    said = stateNow();
    era += 1;
    onStateChange(said);
  };
  /** @param leftMs until it is half-open; undefined: it is closed */
  const know = (leftMs: number | undefined) => {
    shutUntil = leftMs === undefined ? undefined : Date.now() + leftMs;
    say();
  };
  /** Of a change. */
  const learn = (leftMs: number | undefined) => {
    learned += 1;
    know(leftMs);
  };

  /** A reply comes on another connection than the notices: a change that was learned of meanwhile may be newer. */
  const knowUnlessLearned = async (ask: () => Promise<number | undefined>) => {
    const before = learned;
    await ask().then(
      (leftMs) => learned === before && know(leftMs),
      () => {},
    );
  };
  const lookQuietly = () => knowUnlessLearned(() => lookAtGate(redis, keys));
  const subscribe = () => subscriber.subscribe(GATE_CHANNEL).catch(() => {});
  const subscribeAndLook = () => void subscribe().then(lookQuietly);
  const onMessage = (channel: string, message: string) => {
    if (channel !== GATE_CHANNEL) return;
    const [gate, leftMs] = JSON.parse(message) as [string, number];
    if (gate === name) learn(leftMs < 0 ? undefined : leftMs);
  };
  subscriber.on('message', onMessage);
  subscriber.on('ready', subscribeAndLook);
  redis.on('ready', lookQuietly);
  const poll = setInterval(lookQuietly, LOOK_MS);
  poll.unref();
  // Looking before it is subscribed, it would miss what changes in between.
  const subscribed = subscribe();
  const firstLook = Promise.race([Promise.all([subscribed, ready(redis)]).then(lookQuietly), after(FIRST_LOOK_MS)]);

  async function enter(): Promise<'call' | 'probe'> {
    if (shutUntil === undefined) return 'call';
    const leftMs = shutUntil - Date.now();
    if (leftMs > 0) throw paused(leftMs + Math.random() * JITTER * openMs);
    return await enterHalfOpen();
  }

  async function enterHalfOpen(): Promise<'call' | 'probe'> {
    say();
    if (probe) throw paused(PROBE_WAIT_MS);
    const id = randomUUID();
    probe = id;
    const before = learned;
    const verdict = await claimProbe(redis, keys, id, probeMs).catch(() => 'probe' as const);
    if (verdict === 'probe') return 'probe';
    probe = undefined;
    if (learned !== before) return await enter();
    if (verdict === 'closed') {
      learn(undefined);
      return 'call';
    }
    if (verdict === 'taken') throw paused(Math.min(PROBE_WAIT_MS, openMs));
    learn(verdict.leftMs);
    throw paused(verdict.leftMs);
  }

  return {
    get state() {
      return stateNow();
    },
    get era() {
      return era;
    },
    enter: async () => {
      await firstLook;
      return await enter();
    },
    shut: async (ms) => {
      if (shutUntil === undefined || shutUntil < Date.now() + ms) learn(ms);
      await knowUnlessLearned(() => shutGate(redis, keys, ms, GATE_CHANNEL, name));
    },
    probed: async (well) => {
      const id = probe;
      probe = undefined;
      if (!id) return;
      if (well) {
        learn(undefined);
        await openGate(redis, keys, GATE_CHANNEL, name).catch(() => {});
      } else if (well === false) {
        learn(openMs);
        await knowUnlessLearned(() => reopenGate(redis, keys, id, openMs, GATE_CHANNEL, name));
      } else {
        await releaseProbe(redis, keys, id).catch(() => {});
      }
    },
    close: () => {
      clearInterval(poll);
      subscriber.off('message', onMessage);
      subscriber.off('ready', subscribeAndLook);
      redis.off('ready', lookQuietly);
    },
  };
}

const after = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref();
  });

const ready = (redis: Redis) =>
  new Promise<void>((resolve) => {
    if (redis.status === 'ready') resolve();
    else redis.once('ready', () => resolve());
  });

const paused = (retryAfterMs: number) =>
  new ModelPausedError(
    'model_unavailable',
    'The model is not available; it is left alone for a while.',
    Math.ceil(retryAfterMs),
  );

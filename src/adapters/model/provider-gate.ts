import { randomUUID } from 'node:crypto';
import { isBrokenCause, ModelPausedError, ProviderBrokenError } from '../../contracts/errors.ts';
import type { GateCause } from '../../contracts/gates.ts';
import { GATE_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import { claimProbe } from './redis-scripts/claim-probe.ts';
import type { GateStanding } from './redis-scripts/gate-standing.ts';
import { lookAtGate } from './redis-scripts/look-at-gate.ts';
import { openGate } from './redis-scripts/open-gate.ts';
import { releaseProbe } from './redis-scripts/release-probe.ts';
import { renewProbe } from './redis-scripts/renew-probe.ts';
import { reopenGate } from './redis-scripts/reopen-gate.ts';
import { shutGate } from './redis-scripts/shut-gate.ts';

/**
 * Whether a provider's model may be asked. All workers share this state:
 * - *open*: calls pass
 * - *shut*: no call passes for a time, because the provider is down or has asked for a pause
 * - *probing*: that time is over. One call of all workers passes as the probe, and the others wait for its outcome
 *
 * A circuit breaker's states are named the other way round: its *closed* is our *open*. Operators open and shut a gate, so
 * its states have the words of these two buttons.
 *
 *     open ── a worker shuts the gate ──> shut ── the time is over ──> probing
 *     probing ── the probe succeeds ──> open
 *     probing ── the probe fails ──> shut
 *     probing ── the worker that probes dies ──> probing: its lease expires, and another call may probe
 *     shut, probing ── an operator opens the gate ──> open
 *     open, probing ── an operator shuts the gate ──> shut
 *
 * A gate that is not open has a cause. If the provider is broken for everybody (our key, our quota or the model),
 * waiting does not help, so calls fail at once. Such a gate becomes probing after a time, too. If the cause is the
 * key, a worker with another key may probe at once.
 */
export type GateState = 'open' | 'shut' | 'probing';

/**
 * One worker's view of a gate. The state is in Redis, with times of Redis's clock. Each worker has a copy: it is told
 * of each change, and it looks every few seconds. So a call costs no round trip while the gate is open or shut. While
 * Redis is away, each worker uses its copy.
 */
export interface ProviderGate {
  readonly state: GateState;
  /** How many changes of the state this worker has seen. */
  readonly era: number;
  /**
   * Lets a call pass, as an ordinary call or as the probe.
   * @throws ModelPausedError come back later
   * @throws ProviderBrokenError the provider is known to be broken for everybody
   */
  enter(): Promise<'call' | 'probe'>;
  /** Stops calls of all workers for a time. If the gate is shut for longer already, nothing changes. */
  shut(ms: number, cause: GateCause): Promise<void>;
  /**
   * Reports how the probe ended: it went well, or why not. undefined: it showed nothing, and another call may probe.
   */
  probed(outcome: 'well' | GateCause | undefined): Promise<void>;
  close(): void;
}

const LOOK_MS = 5_000;
/** A worker that has just started waits this long, at most, to learn the state. */
const FIRST_LOOK_MS = 1_000;
/** A worker that probes renews its lease three times in this time. So if it dies, another may soon probe. */
const PROBE_LEASE_MS = 5_000;
/** How long a call waits while another call probes. */
const PROBE_WAIT_MS = 1_000;
/** Refused calls return at random times, spread over this share of the pause. */
const JITTER = 0.1;

export function createProviderGate(options: {
  /** The name of the provider and its model. */
  name: string;
  /** The provider to name when a call is refused.  */
  provider?: string;
  /** Calls wait for commands on this connection, so the commands must fail soon while Redis is away. */
  redis: Redis;
  /** A connection to the same Redis that is used for subscriptions. */
  subscriber: Subscriber;
  /** How long the gate stays shut after the first failed probe. After more failed probes, up to four times as long. */
  shutMs: number;
  /** If the worker that probes has not been heard of for this long, another call may probe. */
  probeLeaseMs?: number;
  /** The fingerprint of the key that this worker asks with. */
  key?: string;
  /** @param cause why the gate is not open */
  onStateChange: (state: GateState, cause: GateCause | undefined) => void;
}): ProviderGate {
  const { name, provider, redis, subscriber, shutMs, key = '', onStateChange } = options;
  const { probeLeaseMs = PROBE_LEASE_MS } = options;
  const keys = [redisKeys.gate(name), redisKeys.probe(name)] as const;
  /** Until when the gate is shut, in ms of the monotonic clock, and why. undefined: it is not shut. */
  let shut: { until: number; cause: GateCause; key: string } | undefined;
  /** What `onStateChange` was told last. */
  let said: [GateState, GateCause | undefined] = ['open', undefined];
  let era = 0;
  /** How many changes this worker has made or was told of. */
  let learned = 0;
  /** The id of the probe that this worker is making. */
  let probe: string | undefined;
  /** Renews the lease of that probe. */
  let renewal: NodeJS.Timeout | undefined;

  const stateNow = (): GateState => (shut === undefined ? 'open' : performance.now() < shut.until ? 'shut' : 'probing');
  const say = () => {
    const now = [stateNow(), shut?.cause] as const;
    if (now[0] === said[0] && now[1] === said[1]) return;
    if (now[0] !== said[0]) era += 1;
    said = [...now];
    onStateChange(...now);
  };
  /**
   * Updates the copy.
   * @param standing undefined: the gate is open
   */
  const know = (standing: GateStanding | undefined) => {
    shut = standing && { ...standing, until: performance.now() + standing.leftMs };
    say();
  };
  /** Updates the copy after a change that this or another worker made. */
  const learn = (standing: GateStanding | undefined) => {
    learned += 1;
    know(standing);
  };

  /**
   * Asks Redis and updates the copy, unless this worker has learned of a change meanwhile. Notices come on another
   * connection, so such a change may be newer than the reply.
   */
  const knowUnlessLearned = async (ask: () => Promise<GateStanding | undefined>) => {
    const before = learned;
    await ask().then(
      (standing) => learned === before && know(standing),
      () => {},
    );
  };
  const notices = channelOf(redis, GATE_CHANNEL);
  const lookQuietly = () => knowUnlessLearned(() => lookAtGate(redis, keys));
  const subscribe = () => subscriber.subscribe(notices).catch(() => {});
  const subscribeAndLook = () => void subscribe().then(lookQuietly);
  const onMessage = (channel: string, message: string) => {
    if (channel !== notices) return;
    const [gate, leftMs, cause = 'failures', key = ''] = JSON.parse(message) as [string, number, GateCause?, string?];
    if (gate === name) learn(leftMs < 0 ? undefined : { leftMs, cause, key });
  };
  subscriber.on('message', onMessage);
  subscriber.on('ready', subscribeAndLook);
  redis.on('ready', lookQuietly);
  const poll = setInterval(lookQuietly, LOOK_MS);
  poll.unref();
  // It reads the state after it has subscribed. Otherwise it would miss a change in between.
  const subscribed = subscribe();
  const firstLook = Promise.race([Promise.all([subscribed, ready(redis)]).then(lookQuietly), after(FIRST_LOOK_MS)]);

  async function enter(): Promise<'call' | 'probe'> {
    if (shut === undefined) return 'call';
    const leftMs = shut.until - performance.now();
    const hasNewKey = shut.cause === 'key' && shut.key !== key;
    if (leftMs > 0 && !hasNewKey) throw refusal(leftMs + Math.random() * JITTER * shutMs);
    return await enterProbing();
  }

  async function enterProbing(): Promise<'call' | 'probe'> {
    say();
    if (probe) throw paused(PROBE_WAIT_MS);
    const id = randomUUID();
    probe = id;
    const before = learned;
    const verdict = await claimProbe(redis, keys, id, probeLeaseMs, key).catch(() => 'probe' as const);
    if (verdict === 'probe') {
      renewal = setInterval(() => void renewProbe(redis, keys, id, probeLeaseMs).catch(() => {}), probeLeaseMs / 3);
      renewal.unref();
      return 'probe';
    }
    probe = undefined;
    if (learned !== before) return await enter();
    if (verdict === 'open') {
      learn(undefined);
      return 'call';
    }
    if (verdict === 'taken') throw paused(Math.min(PROBE_WAIT_MS, shutMs));
    learn(verdict);
    throw refusal(verdict.leftMs);
  }

  /** The error for a call that may not pass. If the provider is broken, the call fails at once. Otherwise it waits. */
  function refusal(retryAfterMs: number): ModelPausedError | ProviderBrokenError {
    if (!isBrokenCause(shut?.cause)) return paused(retryAfterMs);
    return new ProviderBrokenError(shut.cause, `${name} is known to be broken: ${shut.cause}`, { provider });
  }

  const paused = (retryAfterMs: number) =>
    new ModelPausedError('model_unavailable', `${name} is not asked for a while`, Math.ceil(retryAfterMs), {
      provider,
      gate: name,
    });

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
    shut: async (ms, cause) => {
      if (shut === undefined || shut.until < performance.now() + ms) learn({ leftMs: ms, cause, key });
      await knowUnlessLearned(() => shutGate(redis, keys, { ms, cause, key }, notices, name));
    },
    probed: async (outcome) => {
      const id = probe;
      probe = undefined;
      clearInterval(renewal);
      if (!id) return;
      if (outcome === 'well') {
        learn(undefined);
        const opened = await openGate(redis, keys, notices, name, 'probe').catch(() => true);
        if (opened === 'stays shut') await lookQuietly();
      } else if (outcome) {
        learn({ leftMs: shutMs, cause: outcome, key });
        const shutting = { ms: shutMs, cause: outcome, key };
        await knowUnlessLearned(() => reopenGate(redis, keys, id, shutting, notices, name));
      } else {
        await releaseProbe(redis, keys, id).catch(() => {});
      }
    },
    close: () => {
      clearInterval(poll);
      clearInterval(renewal);
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

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isBrokenCause, ModelPausedError, ProviderBrokenError } from '../../contracts/errors.ts';
import type { GateCause } from '../../contracts/gates.ts';
import { GATE_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import { claimProbe } from './redis-scripts/claim-probe.ts';
import type { GateStanding } from './redis-scripts/gate-standing.ts';
import { lookAtGate } from './redis-scripts/look-at-gate.ts';
import { openGate } from './redis-scripts/open-gate.ts';
import { releaseProbe } from './redis-scripts/release-probe.ts';
import { reopenGate } from './redis-scripts/reopen-gate.ts';
import { shutGate } from './redis-scripts/shut-gate.ts';

/**
 * Whether a provider's model may be asked. All workers share this state, and its names are those of a circuit breaker:
 * - *closed*: calls pass
 * - *open*: no call passes for a time, because the provider is down or has asked for a pause
 * - *half-open*: the time is over; one call of all workers passes as the probe, and the others wait for its outcome
 *
 * A closed gate opens when a worker shuts it (`shut`). An open gate becomes half-open when its time is over. A half-open gate
 * closes if the probe goes well, and otherwise opens again. An operator can close it at any time.
 *
 * A gate that is not closed has a cause. If the cause is that the provider is broken for everybody (our key, our quota or
 * the model), waiting does not help, so calls fail at once. This gate, too, becomes half-open after a time. If the cause is
 * the key, a worker that has another key may probe at once.
 */
export type GateState = 'closed' | 'open' | 'half-open';

/**
 * One worker's view of a gate. The state is in Redis and uses Redis's clock. Each worker has a copy of it: it is told of
 * each change, and it looks every few seconds. So a call costs no round trip while the gate is closed or open. While Redis is
 * away, each worker goes by what it knows.
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
  /** Shuts the gate for all workers. If it is shut for longer already, that stays so. */
  shut(ms: number, cause: GateCause): Promise<void>;
  /** Says how the probe ended: well, or why not. undefined: it showed nothing, and another call may probe. */
  probed(outcome: 'well' | GateCause | undefined): Promise<void>;
  close(): void;
}

const LOOK_MS = 5_000;
/** A worker that has just started waits until it knows the state, but no longer than this. */
const FIRST_LOOK_MS = 1_000;
/** How long a call waits while another one probes. */
const PROBE_WAIT_MS = 1_000;
/** Calls that were refused come back spread over this share of the open time. */
const JITTER = 0.1;

export function createProviderGate(options: {
  /** The name of the provider and its model. */
  name: string;
  /** The provider that is named when a call is refused. */
  provider?: string;
  /** Calls wait for its commands, so these must fail soon when Redis is away. */
  redis: Redis;
  /** A connection to the same Redis that is used for subscriptions. */
  subscriber: Redis;
  /** How long the gate stays shut after the first probe that fails. After further ones it is up to four times as long. */
  openMs: number;
  /** The longest time that a probe takes. After that its worker counts as dead, and another call may probe. */
  probeMs: number;
  /** The fingerprint of the key that this worker asks with. */
  key?: string;
  /** @param cause why the gate is not closed */
  onStateChange: (state: GateState, cause: GateCause | undefined) => void;
}): ProviderGate {
  const { name, provider, redis, subscriber, openMs, probeMs, key = '', onStateChange } = options;
  const keys = [redisKeys.gate(name), redisKeys.probe(name)] as const;
  /** Until when the gate is shut, in ms of the monotonic clock, and why. undefined: it is not shut. */
  let shut: { until: number; cause: GateCause; key: string } | undefined;
  /** What was last reported to `onStateChange`. */
  let said: [GateState, GateCause | undefined] = ['closed', undefined];
  let era = 0;
  /** How many changes this worker has made or was told of. */
  let learned = 0;
  /** The id of the probe that this worker has under way. */
  let probe: string | undefined;

  const stateNow = (): GateState =>
    shut === undefined ? 'closed' : performance.now() < shut.until ? 'open' : 'half-open';
  const say = () => {
    const now = [stateNow(), shut?.cause] as const;
    if (now[0] === said[0] && now[1] === said[1]) return;
    if (now[0] !== said[0]) era += 1;
    said = [...now];
    onStateChange(...now);
  };
  /**
   * Takes over what Redis says.
   * @param standing undefined: the gate is closed
   */
  const know = (standing: GateStanding | undefined) => {
    shut = standing && { ...standing, until: performance.now() + standing.leftMs };
    say();
  };
  /** Takes over a change, made here or by another worker. */
  const learn = (standing: GateStanding | undefined) => {
    learned += 1;
    know(standing);
  };

  /**
   * Asks Redis and takes over its reply, unless this worker has learned of a change meanwhile. Notices come on another
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
  // It looks once it is subscribed. Otherwise it would miss what changes in between.
  const subscribed = subscribe();
  const firstLook = Promise.race([Promise.all([subscribed, ready(redis)]).then(lookQuietly), after(FIRST_LOOK_MS)]);

  async function enter(): Promise<'call' | 'probe'> {
    if (shut === undefined) return 'call';
    const leftMs = shut.until - performance.now();
    const hasNewKey = shut.cause === 'key' && shut.key !== key;
    if (leftMs > 0 && !hasNewKey) throw refusal(leftMs + Math.random() * JITTER * openMs);
    return await enterHalfOpen();
  }

  async function enterHalfOpen(): Promise<'call' | 'probe'> {
    say();
    if (probe) throw paused(PROBE_WAIT_MS);
    const id = randomUUID();
    probe = id;
    const before = learned;
    const verdict = await claimProbe(redis, keys, id, probeMs, key).catch(() => 'probe' as const);
    if (verdict === 'probe') return 'probe';
    probe = undefined;
    if (learned !== before) return await enter();
    if (verdict === 'closed') {
      learn(undefined);
      return 'call';
    }
    if (verdict === 'taken') throw paused(Math.min(PROBE_WAIT_MS, openMs));
    learn(verdict);
    throw refusal(verdict.leftMs);
  }

  /** The error for a call that may not pass. What is broken fails at once; anything else is waited for. */
  function refusal(retryAfterMs: number): ModelPausedError | ProviderBrokenError {
    if (!isBrokenCause(shut?.cause)) return paused(retryAfterMs);
    return new ProviderBrokenError(shut.cause, `${name} is known to be broken: ${shut.cause}`, { provider });
  }

  const paused = (retryAfterMs: number) =>
    new ModelPausedError('model_unavailable', `${name} is left alone for a while`, Math.ceil(retryAfterMs), {
      provider,
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
      if (!id) return;
      if (outcome === 'well') {
        learn(undefined);
        await openGate(redis, keys, notices, name).catch(() => {});
      } else if (outcome) {
        learn({ leftMs: openMs, cause: outcome, key });
        const shutting = { ms: openMs, cause: outcome, key };
        await knowUnlessLearned(() => reopenGate(redis, keys, id, shutting, notices, name));
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

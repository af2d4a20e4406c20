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
 * Whether a provider's model may be asked, for all workers together:
 * - *closed*, as of a circuit: it may
 * - *open*: it may not, for a time: it is down, or has asked to be left alone
 * - *half-open*: the time is over; one call in all workers probes it, and all others wait for what becomes of that
 *
 * A gate that is not closed has a cause. While the cause is that the provider is broken for everybody (our key, our quota
 * or the model), waiting does not help: calls are refused with that failure. After the time is over one call probes, as
 * with any other cause, and only while it does the others wait. A worker with another key than the refused one may probe
 * at once.
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
   * @throws ProviderBrokenError
   */
  enter(): Promise<'call' | 'probe'>;
  /** Shuts it for all workers: for so long, or longer where it is shut for longer already. */
  shut(ms: number, cause: GateCause): Promise<void>;
  /** What became of the probe: it went well, or why not; undefined: nothing that says anything, and another may probe. */
  probed(outcome: 'well' | GateCause | undefined): Promise<void>;
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
  /** Whose failure it is when calls are refused. */
  provider?: string;
  /** Its commands must fail soon when Redis is away: calls wait for them. */
  redis: Redis;
  /** A connection that is subscribed, to the same. */
  subscriber: Redis;
  /** How long it stays shut after the first failed probe; up to four times as long after further ones. */
  openMs: number;
  /** A probe is over by then; if its worker dies, another probes. */
  probeMs: number;
  /** The fingerprint of the key that this worker asks with. */
  key?: string;
  /** @param cause why it is not closed */
  onStateChange: (state: GateState, cause: GateCause | undefined) => void;
}): ProviderGate {
  const { name, provider, redis, subscriber, openMs, probeMs, key = '', onStateChange } = options;
  const keys = [redisKeys.gate(name), redisKeys.probe(name)] as const;
  /** Until when, in ms of the monotonic clock, and why; undefined: not shut. */
  let shut: { until: number; cause: GateCause; key: string } | undefined;
  let said: [GateState, GateCause | undefined] = ['closed', undefined];
  let era = 0;
  let learned = 0;
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
  /** @param standing undefined: it is closed */
  const know = (standing: GateStanding | undefined) => {
    shut = standing && { ...standing, until: performance.now() + standing.leftMs };
    say();
  };
  /** Of a change. */
  const learn = (standing: GateStanding | undefined) => {
    learned += 1;
    know(standing);
  };

  /** A reply comes on another connection than the notices: a change that was learned of meanwhile may be newer. */
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
  // Looking before it is subscribed, it would miss what changes in between.
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

  /** Why a call may not pass: what is broken fails at once, and all else is waited for. */
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

import CircuitBreaker from 'opossum';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { ModelPausedError, ProviderBrokenError, RequestFailure } from '../../contracts/errors.ts';
import type { GateCause } from '../../contracts/gates.ts';
import { onFirstText } from './first-text.ts';
import type { Model } from './model.ts';
import type { GateState, ProviderGate } from './provider-gate.ts';

/**
 * Puts a circuit breaker in front of a model. Each worker counts how its own calls end. It shuts the gate for all
 * workers when
 * - too large a share of its calls has failed within 10 s,
 * - too many requests have failed in a row,
 * - the provider asks for a pause, or
 * - a call shows that the provider is broken for everybody.
 *
 * Some refusals may concern only one request. If the provider has answered other requests within the last minute, such
 * a refusal counts as one of the failures in a row. Otherwise it shuts the gate at once. Several failed attempts at one
 * request count as one failure.
 *
 * A call is counted when it ends, and only if the gate has not changed since the call began. A call that began before
 * an outage says nothing about the time after it.
 *
 * The library opossum only counts the calls of the last 10 s, and reports when too many of them have failed. Its own
 * states would hold for one process. The gate must hold for all workers, so its state is in Redis (`ProviderGate`). The
 * provider's client sets the time limits.
 */
export interface Breaker extends Model {
  readonly state: GateState;
  /** Stops its timers. */
  close(): void;
}

export interface BreakerOptions {
  /** The share of failed calls within 10 s at which the gate is shut, in percent: 1 to 100. */
  errorPercent: number;
  /** With fewer calls than this within 10 s, the share is ignored. */
  minCalls: number;
  /** This many requests that fail in a row shut the gate. */
  maxConsecutive: number;
  /** How long the gate is shut. */
  shutMs: number;
}

const WINDOW_MS = 10_000;
/** How many failed requests are remembered, so that their next attempts are not counted again. */
const FAILED_REMEMBERED = 1_000;
/** A provider that has answered within this time is not broken for everybody. */
const JUST_ANSWERED_MS = 60_000;

/** Failures of the provider. All other failures concern one request. */
const unwellCodes: readonly FailureCode[] = [
  'model_unavailable',
  'model_rate_limited',
  'model_timeout',
  'model_unreachable',
];

/** Whether the provider has failed, so that another provider may answer the request. */
export const isProviderFailure = (error: unknown): error is RequestFailure =>
  error instanceof RequestFailure && unwellCodes.includes(error.code);

/**
 * Whether a failed call shows that the provider works. undefined: it shows nothing, for example because it was aborted.
 */
function isWell(error: unknown, signal: AbortSignal): boolean | undefined {
  if (signal.aborted || !(error instanceof RequestFailure) || error.code === 'internal_error') return undefined;
  return !isProviderFailure(error);
}

interface Call {
  /** The gate's era when the call began. */
  era: number;
  requestId: string | symbol;
}

export function createBreaker(model: Model, gate: ProviderGate, options: BreakerOptions): Breaker {
  const { shutMs, maxConsecutive } = options;
  /** The requests that have failed since the last answer. When they are enough to shut the gate, the set is cleared. */
  const failedInARow = new Set<string | symbol>();
  const failedLately = new Set<string | symbol>();
  let answeredAt = Number.NEGATIVE_INFINITY;

  const circuit = new CircuitBreaker(endedWell, {
    // Opossum's time limit would abort an AbortController that all calls share.
    timeout: false,
    rollingCountTimeout: WINDOW_MS,
    volumeThreshold: options.minCalls,
    // Opossum opens above the threshold. The setting says that the gate is shut when the threshold is reached.
    errorThresholdPercentage: options.errorPercent - 1e-9,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  });

  async function count(well: boolean | undefined, pass: 'call' | 'probe', { era, requestId }: Call): Promise<void> {
    if (pass === 'probe') return await gate.probed(well === undefined ? undefined : well ? 'well' : 'failures');
    if (well === undefined || era !== gate.era) return;
    if (well) failedInARow.clear();
    else failedInARow.add(requestId);
    if (well || isNewFailure(requestId)) {
      // It rejects with the failure that it was given, and also while opossum's own breaker is open.
      const counted = circuit.fire(well).catch(() => {});
      // A success never shuts the gate, so there is no need to wait until it is counted.
      if (well) return;
      await counted;
    }
    if (circuit.opened || failedInARow.size >= maxConsecutive) await shut('failures');
  }

  /** Attempts at one request usually fail for the same reason, so they count once in the share of failed calls. */
  function isNewFailure(requestId: string | symbol): boolean {
    if (failedLately.has(requestId)) return false;
    failedLately.add(requestId);
    if (failedLately.size > FAILED_REMEMBERED) failedLately.delete(failedLately.values().next().value!);
    return true;
  }

  async function countBroken({ why, certain }: ProviderBrokenError, { era, requestId }: Call): Promise<void> {
    if (era !== gate.era) return;
    failedInARow.add(requestId);
    const answersOthers = performance.now() - answeredAt < JUST_ANSWERED_MS;
    if (certain || !answersOthers || failedInARow.size >= maxConsecutive) await shut(why);
  }

  async function shut(cause: GateCause): Promise<void> {
    failedInARow.clear();
    circuit.close();
    await gate.shut(shutMs, cause);
  }

  return {
    get state() {
      return gate.state;
    },
    parametersOf: (question) => model.parametersOf(question),
    ask: async (question, signal, attempt, options) => {
      let pass = await gate.enter();
      const call: Call = { era: gate.era, requestId: question.requestId ?? Symbol() };
      // A stream may last for minutes. Its first text shows that the provider works, so the others need not wait for its end.
      const watched = onFirstText(options, () => {
        if (pass === 'probe') void gate.probed('well');
        pass = 'call';
      });
      try {
        const answer = await model.ask(question, signal, attempt, watched);
        answeredAt = performance.now();
        await count(true, pass, call);
        return answer;
      } catch (error) {
        if (error instanceof ModelPausedError) {
          if (pass === 'probe') await gate.probed(undefined);
          await gate.shut(error.retryAfterMs, 'retry-after');
        } else if (error instanceof ProviderBrokenError) {
          if (pass === 'probe') await gate.probed(error.why);
          else await countBroken(error, call);
        } else {
          await count(isWell(error, signal), pass, call);
        }
        throw error;
      }
    },
    close: () => {
      circuit.shutdown();
      gate.close();
    },
  };
}

async function endedWell(well: boolean): Promise<void> {
  if (!well) throw new Error('the call failed');
}

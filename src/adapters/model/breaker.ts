import CircuitBreaker from 'opossum';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { ModelPausedError, ProviderBrokenError, RequestFailure } from '../../contracts/errors.ts';
import type { GateCause } from '../../contracts/gates.ts';
import type { Model } from './model.ts';
import type { GateState, ProviderGate } from './provider-gate.ts';

/**
 * A model behind a circuit breaker. Each worker measures for itself how its calls end; when too many fail, or too many
 * in a row, or the provider asks to be left alone, the gate is shut for all workers. So it is at the first call that shows
 * that the provider is broken for everybody. A refusal that may be about its one request shows that only if the provider
 * has not just answered others: else it counts as a failure in a row. All attempts at one request that fail count once.
 *
 * A call is counted when it ends, and only if the gate has not changed since it began: what began before an outage says
 * nothing of what comes after.
 */
export interface Breaker extends Model {
  readonly state: GateState;
  /** Stops its timers. */
  close(): void;
}

export interface BreakerOptions {
  /** The share of failed calls within 10 s that opens it, 1 to 100. */
  errorPercent: number;
  /** With fewer calls within 10 s the share opens nothing. */
  minCalls: number;
  /** So many requests that fail in a row open it. */
  maxConsecutive: number;
  openMs: number;
}

const WINDOW_MS = 10_000;
/** Of so many requests that failed it is known that their next attempts are no news. */
const FAILED_REMEMBERED = 1_000;
/** A provider that answered within this time does not refuse everybody. */
const JUST_ANSWERED_MS = 60_000;

/** Failures that say the provider is unwell; all others are about the one request. */
const unwellCodes: readonly FailureCode[] = [
  'model_unavailable',
  'model_rate_limited',
  'model_timeout',
  'model_unreachable',
];

/** Whether an error is the provider's, and not the request's: another provider may answer. */
export const isProviderFailure = (error: unknown): error is RequestFailure =>
  error instanceof RequestFailure && unwellCodes.includes(error.code);

/** Whether an error speaks for or against the provider's health; undefined: neither, such as an abort. */
function isWell(error: unknown, signal: AbortSignal): boolean | undefined {
  if (signal.aborted || !(error instanceof RequestFailure) || error.code === 'internal_error') return undefined;
  return !isProviderFailure(error);
}

interface Call {
  /** Of the gate, when the call began. */
  era: number;
  requestId: string | symbol;
}

export function createBreaker(model: Model, gate: ProviderGate, options: BreakerOptions): Breaker {
  const { openMs, maxConsecutive } = options;
  /** The requests that failed since the last one was answered; never more than open the gate. */
  const failedInARow = new Set<string | symbol>();
  const failedLately = new Set<string | symbol>();
  let answeredAt = Number.NEGATIVE_INFINITY;

  // Opossum keeps the figures and says when they are too bad; how long to wait, and who probes, is the gate's.
  const circuit = new CircuitBreaker(endedWell, {
    // The signal of each call is the provider's business; opossum's own would abort all calls.
    timeout: false,
    rollingCountTimeout: WINDOW_MS,
    volumeThreshold: options.minCalls,
    // Opossum opens above the threshold, the setting says at it.
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
      // Rejects with the failure it was given, and while it is open.
      const counted = circuit.fire(well).catch(() => {});
      // Nothing opens by a success: nobody need wait until it is counted.
      if (well) return;
      await counted;
    }
    if (circuit.opened || failedInARow.size >= maxConsecutive) await shut('failures');
  }

  /** A request's attempts fail for the same reason: of the share of failed calls they are one. */
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
    await gate.shut(openMs, cause);
  }

  return {
    get state() {
      return gate.state;
    },
    parametersOf: (question) => model.parametersOf(question),
    ask: async (question, signal, attempt) => {
      const pass = await gate.enter();
      const call: Call = { era: gate.era, requestId: question.requestId ?? Symbol() };
      try {
        const answer = await model.ask(question, signal, attempt);
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

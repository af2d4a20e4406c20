import CircuitBreaker from 'opossum';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { ModelPausedError, RequestFailure } from '../../contracts/errors.ts';
import type { Model } from './model.ts';

/**
 * A circuit breaker before a model, with three states:
 * - *closed*: questions pass. When enough calls finished within the window and too many of them failed: *open*.
 * - *open*: questions are refused at once, so that a model that is down is neither hammered nor waited for. After
 *   `openMs`: *half-open*.
 * - *half-open*: one call passes as a probe, others are refused. The probe answered: *closed*. It failed: *open*. It
 *   was aborted by its caller, which says nothing: the next question is the probe.
 *
 * A call is counted when it finishes, and only if it began in the state that it finishes in. Counted when it begins,
 * calls that take longer than the window to time out would never meet the failures they cause.
 */
export interface Breaker extends Model {
  readonly state: BreakerState;
  /** Stops its timers. Questions pass from then on. */
  close(): void;
}

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface BreakerOptions {
  /** The share of failed calls within 10 s that opens it, 1 to 100. */
  errorPercent: number;
  /** With fewer calls within 10 s it stays closed. */
  minCalls: number;
  openMs: number;
  onStateChange: (state: BreakerState) => void;
  /** In [0, 1); for tests. */
  random?: () => number;
}

const WINDOW_MS = 10_000;
/** Those who were refused come back spread over this share of the open time. */
const JITTER = 0.1;
/** While a probe is under way, others wait this long, or `openMs` if that is shorter. */
const PROBE_WAIT_MS = 1_000;

/** Failures that say the provider is unwell; all others are about the one request, or about our key. */
const unwellCodes: readonly FailureCode[] = [
  'model_unavailable',
  'model_rate_limited',
  'model_timeout',
  'model_unreachable',
];

/** Whether an error speaks for or against the provider's health; undefined: neither, such as an abort. */
function isWell(error: unknown, signal: AbortSignal): boolean | undefined {
  if (signal.aborted || !(error instanceof RequestFailure) || error.code === 'internal_error') return undefined;
  return !(error.retryable && unwellCodes.includes(error.code));
}

export function createBreaker(model: Model, options: BreakerOptions): Breaker {
  const { openMs, onStateChange, random = Math.random } = options;
  let openedAt = 0;
  let probing = false;
  /** Counts the changes of state. */
  let era = 0;

  const circuit = new CircuitBreaker(countCall, {
    // The signal of each call is the provider's business; opossum's own would abort all calls.
    timeout: false,
    resetTimeout: openMs,
    rollingCountTimeout: WINDOW_MS,
    volumeThreshold: options.minCalls,
    // Opossum opens above the threshold, the setting says at it.
    errorThresholdPercentage: options.errorPercent - 1e-9,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  });
  const changeTo = (state: BreakerState) => {
    era += 1;
    probing = false;
    onStateChange(state);
  };
  circuit.on('open', () => {
    openedAt = Date.now();
    changeTo('open');
  });
  circuit.on('halfOpen', () => changeTo('half-open'));
  circuit.on('close', () => changeTo('closed'));

  const stateNow = (): BreakerState => (circuit.opened ? 'open' : circuit.halfOpen ? 'half-open' : 'closed');

  /** Refuses a question, or lets it pass. */
  function admit(): void {
    if (circuit.opened) {
      const leftMs = Math.max(0, openedAt + openMs - Date.now());
      throw paused(leftMs + random() * JITTER * openMs);
    }
    if (!circuit.halfOpen) return;
    if (probing) throw paused(Math.min(PROBE_WAIT_MS, openMs) * (1 + random() * JITTER));
    probing = true;
  }

  /** Tells opossum how a call ended. */
  async function count(well: boolean | undefined, eraOfCall: number): Promise<void> {
    if (well === undefined || eraOfCall !== era || circuit.isShutdown) return;
    // Rejects with the failure it was given.
    await circuit.fire(well).catch(() => {});
  }

  return {
    get state() {
      return stateNow();
    },
    parametersOf: (question) => model.parametersOf(question),
    ask: async (question, signal) => {
      admit();
      const eraOfCall = era;
      try {
        const answer = await model.ask(question, signal);
        await count(true, eraOfCall);
        return answer;
      } catch (error) {
        await count(isWell(error, signal), eraOfCall);
        throw error;
      } finally {
        // Still the same era: a probe that said nothing.
        if (eraOfCall === era) probing = false;
      }
    },
    close: () => circuit.shutdown(),
  };
}

async function countCall(well: boolean): Promise<void> {
  if (!well) throw new Error('the call failed');
}

const paused = (retryAfterMs: number) =>
  new ModelPausedError(
    'model_unavailable',
    'The model is not available; it is left alone for a while.',
    Math.ceil(retryAfterMs),
  );

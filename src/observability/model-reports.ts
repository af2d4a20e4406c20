import { brokenCauses, isBrokenCause } from '../contracts/errors.ts';
import type { Gate, GateCause } from '../contracts/gates.ts';
import type { ModelAnswer } from '../contracts/model-answer.ts';
import type { Logger } from './log.ts';
import type { WorkerMetrics } from './metrics.ts';

/** A provider's name and its model. */
interface Target {
  provider: string;
  model: string;
}

/** How `healify_breaker_state` shows the state of a gate. */
const STATE_VALUES: Record<Gate['state'], number> = { closed: 0, 'half-open': 1, open: 2 };

/** Reports events of the model providers to the metrics and the log. */
export function createModelReports(
  metrics: Pick<WorkerMetrics, 'breakerState' | 'modelCalls' | 'modelTokens' | 'modelUsageUnknown' | 'providerBroken'>,
  logger: Logger,
) {
  return {
    /** @param outcome `ok`, or an error's code */
    onCall: ({ provider, model }: Target, outcome: string, answer?: ModelAnswer): void => {
      metrics.modelCalls.inc({ provider, model, outcome });
      if (!answer) return;
      if (!answer.usage) {
        metrics.modelUsageUnknown.inc({ provider, model });
        return;
      }
      metrics.modelTokens.inc({ provider, model, kind: 'prompt' }, answer.usage.promptTokens);
      metrics.modelTokens.inc({ provider, model, kind: 'completion' }, answer.usage.completionTokens);
    },
    /** @param change.keyFingerprint tells which key is in use, without showing it */
    onBreaker: (
      { provider, model }: Target,
      change: { state: Gate['state']; cause: GateCause | undefined; keyFingerprint: string },
    ): void => {
      const { state, cause, keyFingerprint } = change;
      metrics.breakerState.set({ provider, model }, STATE_VALUES[state]);
      for (const broken of brokenCauses) {
        metrics.providerBroken.set({ provider, model, cause: broken }, cause === broken ? 1 : 0);
      }
      const line = { provider, model, state, cause, keyFingerprint };
      if (isBrokenCause(cause)) logger.error(line, 'the model provider fails every request: see `cause`');
      else logger.info(line, 'circuit breaker');
    },
  };
}

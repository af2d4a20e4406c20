import { brokenCauses, isBrokenCause } from '../contracts/errors.ts';
import type { Gate, GateCause } from '../contracts/gates.ts';
import type { ModelAnswer } from '../contracts/model-answer.ts';
import { boundedLabel } from './bounded-label.ts';
import { CHAT, genAiLabels } from './gen-ai-names.ts';
import type { Logger } from './log.ts';
import type { WorkerMetrics } from './metrics.ts';

/** A provider's name and its model. */
interface Target {
  provider: string;
  model: string;
}

interface AskedTarget extends Target {
  /** Where the provider processes texts; '' if the settings do not say. */
  region?: string;
}

/** How a call of a model has ended. */
interface CallEnd {
  /** `ok`, or an error's code. */
  outcome: string;
  durationMs: number;
  /** '' if there is none. */
  traceId: string;
  answer?: ModelAnswer | undefined;
  /** Why it may have been charged without an answer. */
  uncertain?: 'aborted' | 'no answer' | undefined;
  /** How many tokens such a call had streamed. */
  lostTokens?: number | undefined;
  /** How long a call that streams took to its first text. */
  firstTextMs?: number | undefined;
}

/** How `healify_gate_state` shows the state of a gate. */
const STATE_VALUES: Record<Gate['state'], number> = { open: 0, probing: 1, shut: 2 };

/** Reports events of the model providers to the metrics and the log. */
export function createModelReports(
  metrics: Pick<
    WorkerMetrics,
    | 'gateState'
    | 'identitiesRemoved'
    | 'textsSent'
    | 'modelCost'
    | 'modelDuration'
    | 'modelFirstText'
    | 'modelTokens'
    | 'modelUsageUnknown'
    | 'providerBroken'
    | 'uncertainSpend'
    | 'uncertainTokens'
  >,
  logger: Logger,
) {
  const [provider, model, error] = [boundedLabel(), boundedLabel(), boundedLabel()];
  const [region, kind] = [boundedLabel(), boundedLabel()];
  const bounded = (target: Target): Target => ({ provider: provider(target.provider), model: model(target.model) });
  return {
    onCall: (asked: AskedTarget, call: CallEnd): void => {
      const { outcome, durationMs, traceId, answer, uncertain, lostTokens, firstTextMs } = call;
      const target = bounded(asked);
      const labels = {
        [genAiLabels.operation]: CHAT,
        [genAiLabels.provider]: target.provider,
        [genAiLabels.model]: target.model,
      };
      metrics.textsSent.inc({ provider: target.provider, region: region(asked.region || 'unknown') });
      const errorLabel = outcome === 'ok' ? {} : { [genAiLabels.error]: error(outcome) };
      metrics.modelDuration.observe({ ...labels, ...errorLabel }, durationMs / 1000, traceId);
      if (firstTextMs !== undefined) metrics.modelFirstText.observe(labels, firstTextMs / 1000, traceId);
      if (uncertain) metrics.uncertainSpend.inc({ why: uncertain, ...target });
      if (uncertain && lostTokens) metrics.uncertainTokens.inc({ why: uncertain, ...target }, lostTokens);
      if (!answer) return;
      if (!answer.usage) {
        metrics.modelUsageUnknown.inc(target);
        return;
      }
      const { promptTokens, completionTokens, cost } = answer.usage;
      metrics.modelTokens.observe({ ...labels, [genAiLabels.tokenType]: 'input' }, promptTokens);
      metrics.modelTokens.observe({ ...labels, [genAiLabels.tokenType]: 'output' }, completionTokens);
      if (cost !== null) metrics.modelCost.inc(target, cost);
    },
    /** @param removed how many parts of a question's texts were kept from the provider, by kind */
    onRemoved: (removed: ReadonlyMap<string, number>): void => {
      for (const [name, count] of removed) metrics.identitiesRemoved.inc({ kind: kind(name) }, count);
    },
    /** @param change.keyFingerprint tells which key is in use, without showing it */
    onBreaker: (
      asked: Target,
      change: { state: Gate['state']; cause: GateCause | undefined; keyFingerprint: string },
    ): void => {
      const { state, cause, keyFingerprint } = change;
      const target = bounded(asked);
      metrics.gateState.set(target, STATE_VALUES[state]);
      for (const broken of brokenCauses) {
        metrics.providerBroken.set({ ...target, cause: broken }, cause === broken ? 1 : 0);
      }
      const line = { ...asked, state, cause, keyFingerprint };
      if (isBrokenCause(cause)) logger.error(line, 'the model provider fails every request: see `cause`');
      else logger.info(line, 'the gate of a model provider has changed');
    },
  };
}

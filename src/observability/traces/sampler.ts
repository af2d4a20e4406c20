import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { TraceContext } from '../../contracts/traceparent.ts';

/** Whether a span is kept. @param parent undefined: the span begins its trace */
export type Sampler = (parent: TraceContext | undefined, traceId: string) => boolean;

const SAMPLED = 1;

/**
 * The sampler of the variable OTEL_TRACES_SAMPLER, which OpenTelemetry's SDK does not read by itself.
 * @param ratio the share of traces that `traceidratio` keeps
 */
export function samplerOf(name: string, ratio: number): Sampler {
  const root = rootOf(name.replace('parentbased_', ''), ratio);
  if (!name.startsWith('parentbased_')) return root;
  return (parent, traceId) => (parent ? (parent.flags & SAMPLED) === SAMPLED : root(parent, traceId));
}

function rootOf(name: string, ratio: number): Sampler {
  if (name === 'always_off') return () => false;
  if (name !== 'traceidratio') return () => true;
  const sampler = new TraceIdRatioBasedSampler(ratio);
  return (_parent, traceId) =>
    sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
}

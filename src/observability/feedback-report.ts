import { boundedLabel } from './bounded-label.ts';
import type { ApiMetrics } from './metrics.ts';

/** Counts how users rate answers, by model. */
export function createFeedbackReport(metrics: Pick<ApiMetrics, 'feedback'>) {
  const modelLabel = boundedLabel();
  return ({ model, was, is }: { model: string | null; was: string | null; is: string | null }): void =>
    metrics.feedback.inc({ model: modelLabel(model ?? 'unknown'), rating: is ?? 'none', was: was ?? 'none' });
}

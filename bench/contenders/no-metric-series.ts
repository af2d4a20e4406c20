import type { LabelledCounter, LabelledHistogram } from '../../src/observability/metric-series.ts';

// Takes the place of src/observability/metric-series.ts: see pipeline-unwatched.ts.
export const createCounter = (): LabelledCounter<string> => ({ inc: () => {} });
export const createHistogram = (): LabelledHistogram<string> => ({ observe: () => {} });

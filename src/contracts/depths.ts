/** How many values of the past are kept, and how far they are apart. Together: an hour. */
export const DEPTHS_KEPT = 240;
export const DEPTHS_STEP_MS = 15_000;

/** How many messages a queue of RabbitMQ had, or how many jobs were in a state. */
export interface DepthSeries {
  name: string;
  kind: 'queue' | 'jobs';
  /** `DEPTHS_KEPT` values, the oldest first; null where nobody looked, or a server was away. */
  values: (number | null)[];
}

/** The depths of the last hour. */
export interface DepthHistory {
  /** The time of the first value, ISO 8601. */
  from: string;
  stepMs: number;
  series: DepthSeries[];
}

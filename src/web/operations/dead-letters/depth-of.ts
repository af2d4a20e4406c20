import type { Overview } from '../../../contracts/http/overview-bodies.ts';

/** How many dead letters there are now. Their reasons were counted up to a minute ago. undefined: nobody knows. */
export const depthOf = ({ queues }: Overview): number | undefined =>
  queues?.reduce((sum, { queue, messages }) => sum + (queue.endsWith('.dlq') ? messages : 0), 0);

import type { Overview } from '../../../contracts/http/overview-bodies.ts';

/**
 * How many dead letters there are now. Their reasons were counted up to a minute ago. undefined: nobody knows.
 * @param queue only those of this queue
 */
export const depthOf = ({ queues }: Overview, queue?: string): number | undefined =>
  queues?.reduce((sum, each) => {
    const isAsked = queue === undefined ? each.queue.endsWith('.dlq') : each.queue === `${queue}.dlq`;
    return sum + (isAsked ? each.messages : 0);
  }, 0);

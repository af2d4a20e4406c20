import type { DeadLetterAdmin } from '../../contracts/dead-letters.ts';
import type { CanaryTimes } from './canary.ts';
import { dropLetters } from './drop.ts';
import { listLetters, showLetters } from './look.ts';
import { redriveLetters } from './redrive.ts';

const CANARY_TIMES: CanaryTimes = { settleMs: 5_000, timeoutMs: 60_000 };

/** Dead letters of a broker; each call makes a connection of its own, and closes it. */
export const createDeadLetterAdmin = (options: { url: string; canaryTimes?: CanaryTimes }): DeadLetterAdmin => {
  const { url, canaryTimes = CANARY_TIMES } = options;
  return {
    list: (queue, filter) => listLetters(url, queue, filter),
    show: (queue, shown) => showLetters(url, queue, shown),
    redrive: (queue, wanted, onProgress = () => {}) => redriveLetters({ url, queue, canaryTimes }, wanted, onProgress),
    drop: (queue, wanted) => dropLetters(url, queue, wanted),
  };
};

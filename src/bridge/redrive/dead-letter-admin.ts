import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import type { DeadLetterAdmin } from '../../contracts/dead-letters.ts';
import { type BodySeals, plainBodies, plainTexts, type TextSeals } from '../../contracts/sealing.ts';
import type { CanaryTimes } from './canary.ts';
import { dropLetters } from './drop.ts';
import { listLetters, showBodies, showLetters } from './look.ts';
import { redriveLetters } from './redrive.ts';

const CANARY_TIMES: CanaryTimes = { settleMs: 5_000, timeoutMs: 60_000 };

/**
 * What an operator can do with a broker's dead letters. Each call makes a connection of its own and closes it.
 * @param options.bodies opens encrypted bodies. Left out: there are no keys
 * @param options.texts opens what apis and workers have encrypted for a user. Left out: there are no keys
 */
export const createDeadLetterAdmin = (
  options: BrokerAddress & { canaryTimes?: CanaryTimes; bodies?: BodySeals; texts?: TextSeals },
): DeadLetterAdmin => {
  const { canaryTimes = CANARY_TIMES, bodies = plainBodies, texts = plainTexts, ...broker } = options;
  return {
    list: (queue, filter) => listLetters(broker, queue, filter),
    show: (queue, shown) => showLetters(broker, bodies, queue, shown),
    showBodies: (queue, shown) => showBodies(broker, { bodies, texts }, queue, shown),
    redrive: (queue, wanted, onProgress = () => {}) =>
      redriveLetters({ ...broker, bodies, queue, canaryTimes }, wanted, onProgress),
    drop: (queue, wanted) => dropLetters(broker, queue, wanted),
  };
};

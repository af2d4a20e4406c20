import { expect, test } from '@jest/globals';
import { type BrokerQueueSeen, createQueuesLook, type QueuesSeen } from '../../src/observability/queues-seen.ts';

const jobs = async () => ({ pauses: { chat: false }, states: {} });
const intakePaused = async () => false;

test('an operator sees for how long a queue has not been empty, also after RabbitMQ was away', async () => {
  let now = 1_000;
  let broker: Record<string, BrokerQueueSeen> | undefined;
  const look = createQueuesLook({ brokerQueues: async () => broker, jobs, intakePaused, now: () => now });
  let seen: QueuesSeen | undefined;
  const after = async (ms: number, messages?: number) => {
    now += ms;
    broker = messages === undefined ? undefined : { q: { messages, consumers: 1 } };
    // It is JSON meanwhile.
    seen = JSON.parse(JSON.stringify(await look(seen))) as QueuesSeen;
    return seen.broker?.q?.notEmptyForMs;
  };
  expect(await after(0, 0)).toBe(0);
  expect(await after(5_000, 2)).toBe(0);
  expect(await after(5_000, 1)).toBe(5_000);
  expect(await after(5_000)).toBeUndefined();
  expect(await after(5_000, 3)).toBe(15_000);
  expect(await after(5_000, 0)).toBe(0);
  expect(await after(5_000, 1)).toBe(0);
});

test('a server that cannot be asked hides nothing of the other one', async () => {
  const away = () => Promise.reject(new Error('away'));
  const brokerQueues = async () => ({ q: { messages: 0, consumers: 2 } });
  expect(await createQueuesLook({ brokerQueues, jobs: away, intakePaused: away })(undefined)).toEqual({
    broker: { q: { messages: 0, consumers: 2, notEmptyForMs: 0 } },
    notEmptySince: {},
  });
  expect(await createQueuesLook({ brokerQueues: away, jobs, intakePaused })(undefined)).toEqual({
    jobs: { pauses: { chat: false }, states: {} },
    intakePaused: false,
    notEmptySince: {},
  });
});

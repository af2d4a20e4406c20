import { expect, test } from '@jest/globals';
import { createLookAtLine } from '../../../../src/api/chat/line/look-at-line.ts';
import { REQUESTS_QUEUE } from '../../../../src/contracts/queues.ts';

const jobs = { untaken: 3, inHand: 2, workerAlive: true };

/** A look, and all answers that it has counted. */
function lookWith(options: {
  states?: { messages: number; consumers: number } | undefined;
  jobsAreAway?: () => boolean;
}) {
  let counted = 0;
  const look = createLookAtLine({
    depths: { states: async () => options.states && { [REQUESTS_QUEUE]: options.states } },
    lookAtJobs: async () => {
      if (options.jobsAreAway?.()) throw new Error('Redis is away');
      return jobs;
    },
    areWorkersSilent: async () => false,
    isModelShut: async () => false,
    addToSettledCount: async (newlySettled) => {
      counted += newlySettled;
      return counted;
    },
  });
  return { look, counted: () => counted };
}

test('a look sees both queues, the workers, the providers and all answers so far', async () => {
  const { look } = lookWith({ states: { messages: 7, consumers: 1 } });
  await look(5);
  expect(await look(4)).toEqual({
    inBroker: 7,
    consumers: 1,
    inJobs: 3,
    inHand: 2,
    workerAlive: true,
    workersSilent: false,
    modelShut: false,
    settled: 9,
  });
});

test('an answer counts once, also if the look that was to count it has failed', async () => {
  let away = true;
  const { look, counted } = lookWith({ states: { messages: 0, consumers: 1 }, jobsAreAway: () => away });
  await expect(look(5)).rejects.toThrow('Redis is away');
  away = false;
  await look(5);
  expect(counted()).toBe(5);
});

test('while RabbitMQ is away nothing is seen, and nothing is counted', async () => {
  const { look, counted } = lookWith({ states: undefined });
  expect(await look(5)).toBeUndefined();
  expect(counted()).toBe(0);
});

import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { Erasure } from '../../../src/contracts/erasures.ts';
import { until } from '../../until.ts';
import { converse, describeKilledErasures, startProcess } from './killed-contract.ts';

describeKilledErasures('Redis', { every: 1 });

test('who erases one conversation after the other does not keep others from the dead letters', async () => {
  const [userId, own] = [randomUUID(), await startProcess()];
  const begun: Erasure[] = [];
  for (let count = 0; count < 40; count++) {
    begun.push(await own.sessionEraser.erase(await converse(own, userId), userId));
  }
  await until(
    'all are erased',
    async () => {
      const all = await Promise.all(begun.map(({ erasureId }) => own.dataEraser.find(erasureId)));
      return all.every((each) => each?.state === 'erased');
    },
    60_000,
  );
  // One alone has four: two queues, and once more two seconds later.
  expect(own.redis.looks).toBeGreaterThanOrEqual(4);
  expect(own.redis.looks).toBeLessThan(40);
});

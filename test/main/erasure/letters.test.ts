import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createErasureWork } from '../../../src/adapters/erasures/erasure-work.ts';
import { createRedisErasureStore } from '../../../src/adapters/erasures/redis-erasure-store.ts';
import { createDataEraser } from '../../../src/api/erasure/erase-data.ts';
import { createLettersOfUsers } from '../../../src/bridge/redrive/letters-of-user.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { plainBodies, plainTexts } from '../../../src/contracts/sealing.ts';
import { lettersGroup } from '../../../src/main/erasure/groups/letters.ts';
import { captureLog } from '../../captured-log.ts';
import { drain } from '../../dead-letters.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const DLQ = deadLetterQueueOf(REQUESTS_QUEUE);
let redis: Redis;
let url: string;
let client: QueueClient;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
  url = await testRabbitMqUrl();
  client = await startQueueClient(url);
});
afterAll(() => redis.quit());

/** What erases dead letters, and nothing else. @param most how many letters are read at most */
function openEraser(most?: number) {
  const looks = { count: 0 };
  const letters = createLettersOfUsers({
    broker: { url, bodies: plainBodies },
    around: async (look) => {
      looks.count += 1;
      return await look();
    },
    ...(most !== undefined && { most }),
  });
  const eraser = createDataEraser({
    store: createRedisErasureStore({ redis, retentionMs: 600_000 }),
    work: createErasureWork({ redis }),
    groups: [lettersGroup({ letters, seals: plainTexts })],
    ...{ closeDoor: async () => {}, isClosed: async () => true, lasting: 'redis' },
    dataKey: { exists: async () => false, destroy: async () => {} },
    logger: captureLog().logger,
  });
  return { eraser, looks };
}

async function bury(...userIds: string[]): Promise<void> {
  for (const userId of userIds) client.channel.sendToQueue(DLQ, Buffer.from(JSON.stringify({ userId })));
  await client.channel.waitForConfirms();
}
const kindIn = ({ kinds }: Awaited<ReturnType<ReturnType<typeof openEraser>['eraser']['run']>>) =>
  kinds.find(({ kind }) => kind === 'dead_requests');

test('an erasure that cannot see all letters erases those that it sees, says so, and goes on once there are fewer', async () => {
  const ann = randomUUID();
  await bury(ann, 'bob', 'bob', ann);
  const few = openEraser(2);
  const { erasureId } = await few.eraser.begin({ userId: ann }, 'user');
  const waiting = await few.eraser.run(erasureId);
  expect(waiting).toMatchObject({ state: 'erasing', waitsFor: 'dead_letters_unseen' });
  expect(kindIn(waiting)).toMatchObject({ found: 1, erased: 1, left: 0 });
  await expect(few.eraser.survey({ userId: ann })).rejects.toMatchObject({ code: 'dead_letters_unseen' });
  // Rounds leave it alone for a while: looking at so many letters keeps everybody else from them.
  const looksSoFar = few.looks.count;
  await few.eraser.finish();
  expect(few.looks.count).toBe(looksSoFar);

  const done = await openEraser().eraser.run(erasureId);
  expect(done).toMatchObject({ state: 'erased', waitsFor: null });
  expect(kindIn(done)).toMatchObject({ found: 2, erased: 2, left: 0 });
  expect((await drain(client, DLQ)).map(({ content }) => content.toString())).toEqual(
    ['bob', 'bob'].map((userId) => JSON.stringify({ userId })),
  );
});

test('many erasures at the same time look no more often than one', async () => {
  const { eraser, looks } = openEraser();
  const userIds = Array.from({ length: 40 }, () => randomUUID());
  await bury(...userIds);
  const begun = await Promise.all(userIds.map((userId) => eraser.begin({ userId }, 'user')));
  const receipts = await Promise.all(begun.map(({ erasureId }) => eraser.run(erasureId)));
  expect(receipts.map(({ state }) => state)).toEqual(userIds.map(() => 'erased'));
  expect(receipts.map((receipt) => kindIn(receipt)?.erased)).toEqual(userIds.map(() => 1));
  // Each tries twice, and a try looks at two queues, and a second time at what it erases. Some may come a little later than others.
  expect(looks.count).toBeLessThan(40);
});

test('while somebody else has the letters, an erasure says so, and goes on', async () => {
  const ann = randomUUID();
  await bury(ann);
  const { eraser } = openEraser();
  const lock = await client.channel.assertQueue(`${DLQ}.lock`, { exclusive: true, durable: false });
  const { erasureId } = await eraser.begin({ userId: ann }, 'user');
  await eraser.finish();
  expect(await eraser.find(erasureId)).toMatchObject({ state: 'erasing', waitsFor: 'dead_letters_in_use' });
  await client.channel.deleteQueue(lock.queue);
  await until('it is erased', async () => {
    await eraser.finish();
    return (await eraser.find(erasureId))?.state === 'erased';
  });
});

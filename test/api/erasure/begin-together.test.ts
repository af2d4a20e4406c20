import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createErasureWork, type ErasureWork } from '../../../src/adapters/erasures/erasure-work.ts';
import { createRedisErasureStore } from '../../../src/adapters/erasures/redis-erasure-store.ts';
import type { DataGroup, NoteFound } from '../../../src/api/erasure/data-group.ts';
import { createDataEraser } from '../../../src/api/erasure/erase-data.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

/** What erases, as a process has it. */
function startProcess({ take, groups = [] }: { take?: ErasureWork['take']; groups?: DataGroup[] } = {}) {
  const work = createErasureWork({ redis });
  return createDataEraser({
    store: createRedisErasureStore({ redis, retentionMs: 60_000 }),
    work: { ...work, ...(take && { take }) },
    ...{ groups, lasting: 'redis', logger: captureLog().logger },
    ...{ closeDoor: async () => {}, isClosed: async () => true },
    dataKey: { exists: async () => false, destroy: async () => {} },
  });
}

test('a user who is erased twice at the same moment, in two apis, has one receipt', async () => {
  const userId = randomUUID();
  const apis = [startProcess(), startProcess()];
  const begun = await Promise.all([...apis, ...apis].map((api) => api.begin({ userId }, 'user')));
  expect(new Set(begun.map(({ erasureId }) => erasureId)).size).toBe(1);
});

test('a conversation that is erased twice at the same moment, in two apis, has one receipt', async () => {
  const of = { userId: randomUUID(), sessionId: randomUUID() };
  const apis = [startProcess(), startProcess()];
  const begun = await Promise.all([...apis, ...apis].map((api) => api.beginWith(of, 'user', async () => true)));
  expect(new Set(begun.map((erasure) => erasure?.erasureId)).size).toBe(1);
});

/** A process whose first look at the lease of this erasure waits for others. */
function startSlowProcess(erasureId: string, groups: DataGroup[] = []) {
  const work = createErasureWork({ redis });
  let [waits, goOn] = [true, () => {}];
  const passed = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let isWaiting = false;
  const take: ErasureWork['take'] = async (id, by, forMs) => {
    if (id === erasureId && waits) {
      [waits, isWaiting] = [false, true];
      await passed;
    }
    return await work.take(id, by, forMs);
  };
  return { eraser: startProcess({ take, groups }), goOn, isWaiting: () => isWaiting };
}

test('of two in one process who go on with the erasure of a conversation, only one writes it down', async () => {
  const of = { userId: randomUUID(), sessionId: randomUUID() };
  const { erasureId } = await startProcess().begin(of, 'user');
  const { eraser, goOn, isWaiting } = startSlowProcess(erasureId);
  const notes: (NoteFound | undefined)[] = [];
  const steps = async (note: NoteFound | undefined) => {
    notes.push(note);
    return true;
  };
  const first = eraser.beginWith(of, 'user', steps);
  await until('the first waits for the lease', isWaiting);
  expect((await eraser.beginWith(of, 'user', steps))?.erasureId).toBe(erasureId);
  goOn();
  await first;
  expect(notes.filter((note) => note !== undefined)).toHaveLength(1);
});

test('a round leaves an erasure alone whose first steps are made in the same process', async () => {
  const of = { userId: randomUUID(), sessionId: randomUUID() };
  const { erasureId } = await startProcess().begin(of, 'user');
  let counted = 0;
  const count = async () => {
    counted += 1;
    return {};
  };
  const { eraser, goOn, isWaiting } = startSlowProcess(erasureId, [
    { export: {}, counted: 'before', count, erase: async () => {} },
  ]);
  let countedMeanwhile: number | undefined;
  const first = eraser.beginWith(of, 'user', async () => {
    countedMeanwhile = counted;
    return true;
  });
  await until('the first waits for the lease', isWaiting);
  await eraser.run(erasureId);
  goOn();
  await first;
  expect(countedMeanwhile).toBe(0);
  expect((await eraser.run(erasureId)).state).toBe('erased');
});

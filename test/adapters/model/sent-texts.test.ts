import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { countSentTexts, recordSentTexts } from '../../../src/adapters/model/sent-texts.ts';
import type { AuditEvent } from '../../../src/contracts/audit.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
beforeEach(() => redis.flushdb());
afterAll(() => redis.disconnect());

/** A trail that fails after some entries, as if its store went away. */
function trailFor(mostEntries = Number.POSITIVE_INFINITY) {
  const entries: { id: string | undefined; event: AuditEvent }[] = [];
  const record = async (event: AuditEvent, id?: string) => {
    if (entries.length >= mostEntries) throw new Error('gone');
    entries.push({ id, event });
    return id!;
  };
  return { entries, record, counts: () => entries.map(({ event: { details } }) => [details?.filter, details?.count]) };
}

async function send(calls: [string, string][]) {
  const texts = countSentTexts({ redis, logger: captureLog().logger });
  for (const [provider, region] of calls) texts.count(provider, region);
  await texts.stop();
}

test('what all workers have sent is recorded once, by provider and region', async () => {
  await send([
    ['here', 'eu'],
    ['here', 'eu'],
    ['there', ''],
  ]);
  await send([['here', 'eu']]);
  const trail = trailFor();
  await recordSentTexts(redis, trail);
  await recordSentTexts(redis, trail);
  expect(trail.counts()).toHaveLength(2);
  expect(trail.counts()).toContainEqual([{ provider: 'here', region: 'eu' }, 3]);
  expect(trail.counts()).toContainEqual([{ provider: 'there', region: 'unknown' }, 1]);
  expect(trail.entries[0]!.event).toMatchObject({ action: 'text.send', actor: { kind: 'system' }, outcome: 'done' });
  expect(await redis.keys('*')).toEqual([]);
});

test('if the trail fails, the same entries are written later with the same ids, and nothing is counted twice', async () => {
  await send([
    ['here', 'eu'],
    ['there', 'us'],
  ]);
  const failing = trailFor(1);
  await expect(recordSentTexts(redis, failing)).rejects.toThrow('gone');
  await send([['here', 'eu']]);
  const trail = trailFor();
  // The lease of the one that failed.
  await recordSentTexts(redis, trail);
  expect(trail.entries).toEqual([]);
  await redis.del('{healify}:sent-texts:lease');
  await recordSentTexts(redis, trail);
  expect(trail.entries).toHaveLength(2);
  expect(trail.entries.map(({ id }) => id)).toContain(failing.entries[0]!.id);
  await recordSentTexts(redis, trail);
  expect(trail.counts().slice(2)).toEqual([[{ provider: 'here', region: 'eu' }, 1]]);
});

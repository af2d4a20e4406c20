import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AuditTrail } from '../../contracts/audit.ts';
import { SENT_TEXTS_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

const SAVE_EVERY_MS = 5_000;
/** If the api that records the counts dies, another one may do so after this time. */
const LEASE_MS = 60_000;

/** The counts that are being recorded, and the id of their first entry. They are here until all entries are written. */
const TAKEN_KEY = `${SENT_TEXTS_KEY}:taken`;
const ID = 'id';

export interface SentTexts {
  /** Counts a call of a model, which has sent texts of a user. @param region '' if the settings do not say */
  count(provider: string, region: string): void;
  /** Saves what was counted, and stops. */
  stop(): Promise<void>;
}

/** Counts how often texts were sent where. Counts of all workers are in Redis. A worker that dies loses those of its last 5 s. */
export function countSentTexts({
  redis,
  logger,
  everyMs = SAVE_EVERY_MS,
}: {
  redis: Redis;
  logger: Logger;
  everyMs?: number;
}): SentTexts {
  const counts = new Map<string, number>();

  async function save(): Promise<void> {
    const saving = [...counts];
    counts.clear();
    const saved = await Promise.allSettled(saving.map(([field, count]) => redis.hincrby(SENT_TEXTS_KEY, field, count)));
    for (const [i, { status }] of saved.entries()) {
      if (status === 'fulfilled') continue;
      const [field, count] = saving[i]!;
      counts.set(field, (counts.get(field) ?? 0) + count);
    }
    if (saved.some(({ status }) => status === 'rejected'))
      logger.debug('it could not be saved where texts were sent; trying again');
  }

  const timer = setInterval(() => void save(), everyMs).unref();
  return {
    count: (provider, region) => {
      const field = JSON.stringify([provider, region]);
      counts.set(field, (counts.get(field) ?? 0) + 1);
    },
    stop: async () => {
      clearInterval(timer);
      await save();
    },
  };
}

/**
 * Writes the counts since the last call into the audit trail, an entry for each provider and region. Whatever dies meanwhile, the next
 * call goes on; an entry that is written twice has the same id.
 * @throws StoreUnavailableError
 */
export async function recordSentTexts(redis: Redis, trail: Pick<AuditTrail, 'record'>): Promise<void> {
  const lease = `${SENT_TEXTS_KEY}:lease`;
  if ((await orStoreUnavailable(redis.set(lease, '1', 'PX', LEASE_MS, 'NX'))) === null) return;
  const taken = await orStoreUnavailable(take(redis));
  for (const [field, count] of Object.entries(taken.counts)) {
    const [provider, region] = JSON.parse(field) as [string, string];
    await trail.record(
      {
        action: 'text.send',
        actor: { kind: 'system' },
        outcome: 'done',
        details: { count: Number(count), filter: { provider, region: region || 'unknown' } },
      },
      `${taken.id} ${field}`,
    );
  }
  await orStoreUnavailable(redis.del(TAKEN_KEY, lease));
}

async function take(redis: Redis): Promise<{ id: string; counts: Record<string, string> }> {
  if ((await redis.exists(TAKEN_KEY)) === 0) {
    if ((await redis.exists(SENT_TEXTS_KEY)) === 0) return { id: '', counts: {} };
    await redis.hset(SENT_TEXTS_KEY, ID, randomUUID());
    await redis.rename(SENT_TEXTS_KEY, TAKEN_KEY);
  }
  const { [ID]: id = '', ...counts } = await redis.hgetall(TAKEN_KEY);
  return { id, counts };
}

import type { Db } from 'mongodb';
import type { AuditStore } from '../../adapters/audit/audit-store.ts';
import { createAuditTrail } from '../../adapters/audit/audit-trail.ts';
import { createMongoDbAuditStore } from '../../adapters/audit/mongodb-audit-store.ts';
import { createRedisAuditStore } from '../../adapters/audit/redis-audit-store.ts';
import { auditTrail } from '../../config/settings/audit-trail.ts';
import type { AuditActor, AuditDetails, AuditEvent, AuditTrail } from '../../contracts/audit.ts';
import { audited } from '../../contracts/audited.ts';
import { createLogger } from '../../observability/log.ts';
import { withMongoDb } from './mongodb-connection.ts';
import { readSetting } from './read-setting.ts';
import { withRedis } from './redis-connection.ts';

/** Who acts in the trail if somebody runs a command. */
export const byCommand = (command: string): AuditActor => ({ kind: 'command', command });

/**
 * Runs a part of a command with the audit trail: in MongoDB if MONGODB_URL is set, and else in Redis.
 * @param name the name of this process in the servers' lists of clients
 * @throws UsageError a setting is missing, or wrong
 */
export async function withAuditTrail(
  name: string,
  use: (audit: { store: AuditStore; trail: AuditTrail }) => Promise<void>,
): Promise<void> {
  const useDb = (db: Db) => withTrailIn(createMongoDbAuditStore({ db }), use);
  if (await withMongoDb(name, useDb)) return;
  await withRedis(name, (redis) => withTrailIn(createRedisAuditStore({ redis }), use));
}

/** Runs a part of a command with the trail that a store has. */
export async function withTrailIn(
  store: AuditStore,
  use: (audit: { store: AuditStore; trail: AuditTrail }) => Promise<void>,
): Promise<void> {
  const [key] = readSetting(auditTrail.auditKeys);
  const trail = createAuditTrail({ store, key, logger: createLogger('api', 'silent') });
  await use({ store, trail }).finally(trail.stop);
}

/**
 * Does what a command is asked for, which must not be done without a record. See `audited`.
 * @param command its name: `dlq`
 */
export async function auditedByCommand<T>(
  command: string,
  event: Pick<AuditEvent, 'action' | 'subject' | 'details'>,
  act: () => Promise<T>,
  outcomeOf?: (result: T) => { outcome?: AuditEvent['outcome']; details?: AuditDetails },
): Promise<T> {
  let result: T | undefined;
  await withAuditTrail(`healify-chat ${command}`, async ({ trail }) => {
    result = await audited(trail, { ...event, actor: byCommand(command) }, act, outcomeOf);
  });
  return result as T;
}

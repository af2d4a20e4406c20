import {
  idempotencyKeysOf,
  readScannedKey,
  removeKeys,
  type ScannedKeys,
  scanKeysOf,
} from '../../../adapters/erasures/scanned-keys.ts';
import type { Redis } from '../../../adapters/redis/redis.ts';
import type { DataGroup, ExportKind, Scope } from '../../../api/erasure/data-group.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';

/** What is kept for a limited time under keys that no list leads to. */
export function scannedGroup({ redis }: { redis: Redis }): DataGroup<keyof ScannedKeys> {
  const keysOf = async ({ userId, sessionId }: Scope): Promise<Partial<ScannedKeys>> =>
    sessionId === undefined
      ? await scanKeysOf(redis, userId)
      : { idempotency_keys: await idempotencyKeysOf(redis, userId, sessionId) };

  /** The names of the keys have hashes of secrets, so only what is kept under them is given. */
  const valuesOf = (kind: keyof ScannedKeys): ExportKind =>
    async function* (scope) {
      for (const key of (await keysOf(scope))[kind] ?? []) {
        const found = await readScannedKey(redis, key);
        if (found) yield { ...found.value, expiresAt: found.expiresAt };
      }
    };

  return {
    export: {
      idempotency_keys: valuesOf('idempotency_keys'),
      rate_limits: valuesOf('rate_limits'),
      tickets: valuesOf('tickets'),
      admin_sessions: valuesOf('admin_sessions'),
    },
    counted: 'before',
    count: async (scope) =>
      Object.fromEntries(Object.entries(await keysOf(scope)).map(([kind, keys]) => [kind, keys.length])),
    erase: async (scope) => {
      await removeKeys(redis, Object.values(await keysOf(scope)).flat());
      if (scope.sessionId === undefined) await removeKeys(redis, [redisKeys.idempotencyKeys(scope.userId)]);
    },
  };
}

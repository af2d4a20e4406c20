import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisSettings } from './redis.ts';

/** How the servers of a Redis Cluster, or those with Sentinels, may be reached. */
export interface RedisAccess {
  /** Left out: without TLS. */
  tls?: { certFile: string; keyFile: string; caFile: string };
  /** Left out: everybody may do everything. */
  users?: {
    /** Of the user default, who may do everything. */
    adminPassword: string;
    /** Lines of the file of users, for all others. */
    others: readonly string[];
  };
}

/** @param dir where the file of users is written */
export function withAccess(dir: string, { tls, users }: RedisAccess) {
  const usersFile = join(dir, 'users.acl');
  if (users) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(usersFile, [`user default on >${users.adminPassword} ~* &* +@all`, ...users.others, ''].join('\n'));
  }
  return {
    /** The settings of a server on this port. */
    settings: (port: number): RedisSettings => ({
      ...(tls
        ? {
            ...{ port: 0, 'tls-port': port, 'tls-auth-clients': 'no' },
            ...{ 'tls-cert-file': tls.certFile, 'tls-key-file': tls.keyFile, 'tls-ca-cert-file': tls.caFile },
          }
        : { port }),
      ...(users && { aclfile: usersFile }),
    }),
    /** The settings with which it follows another server. */
    replicaSettings: {
      ...(tls && { 'tls-replication': 'yes' }),
      ...(users && { masterauth: users.adminPassword }),
    } satisfies RedisSettings,
    scheme: tls ? 'rediss' : 'redis',
    /** A connection as admin, which is not made again. The caller ends it. */
    connectionTo: (url: string): Redis => {
      const redis = new Redis(url, {
        retryStrategy: () => null,
        ...(tls && { tls: { ca: readFileSync(tls.caFile) } }),
        ...(users && { password: users.adminPassword }),
      });
      redis.on('error', () => {});
      return redis;
    },
  };
}

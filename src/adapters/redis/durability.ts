import { everyPrimary } from './nodes.ts';
import type { Redis, SingleRedis } from './redis.ts';

/**
 * Returns why this Redis may lose what it has confirmed, one sentence for each reason; an empty list if it keeps
 * everything. If a server hides its settings (managed ones forbid CONFIG), the safe setting is assumed. Of a Cluster, all
 * primaries are looked at.
 */
export async function durabilityProblems(redis: Redis): Promise<string[]> {
  const problems = await Promise.all(everyPrimary(redis).map(problemsOf));
  return [...new Set(problems.flat())];
}

async function problemsOf(redis: SingleRedis): Promise<string[]> {
  const [memory, persistence] = await Promise.all([redis.info('memory'), redis.info('persistence')]);
  const problems: string[] = [];
  const policy = field(memory, 'maxmemory_policy');
  if (policy && policy !== 'noeviction') {
    problems.push(`maxmemory-policy is ${policy}, which may throw jobs and sessions away: set noeviction`);
  }
  if (field(persistence, 'aof_enabled') === '0') {
    const snapshots = await redis.config('GET', 'save').then(
      (reply) => (reply as string[])[1] !== '',
      () => true,
    );
    problems.push(
      snapshots
        ? 'it writes snapshots only, so that a crash loses what came since the last: set appendonly yes'
        : 'it writes nothing to disk, so that a restart loses everything: set appendonly yes',
    );
  }
  return problems;
}

/** Whether the server can wait until a write is on its disk: Redis 7.2 and Valkey can. */
export async function supportsWaitAof(redis: Redis): Promise<boolean> {
  const [major = 0, minor = 0] = (field(await redis.info('server'), 'redis_version') ?? '').split('.').map(Number);
  return major > 7 || (major === 7 && minor >= 2);
}

const field = (info: string, name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];

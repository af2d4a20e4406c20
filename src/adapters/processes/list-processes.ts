import type { SeenProcess } from '../../contracts/processes.ts';
import { PROCESSES_KEY } from '../../contracts/redis-keys.ts';
import { repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/** Three heartbeats and a second. */
const MISSING_AFTER_MS = 7_000;

/**
 * All processes of the installation, by role and start. One that was killed is listed for ten minutes. One round trip.
 * @throws StoreUnavailableError
 */
export async function listProcesses(redis: Redis): Promise<SeenProcess[]> {
  const [entries, [seconds, microseconds]] = (await repliesOf(redis.pipeline().hgetall(PROCESSES_KEY).time())) as [
    Record<string, string>,
    [string | number, string | number],
  ];
  const now = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  return Object.entries(entries)
    .map(([id, entry]) => {
      const space = entry.indexOf(' ');
      const silentMs = Math.max(0, now - Number(entry.slice(0, space)));
      const about = JSON.parse(entry.slice(space + 1)) as Pick<
        SeenProcess,
        'role' | 'version' | 'settings' | 'startedAt'
      >;
      const state = silentMs > MISSING_AFTER_MS ? ('missing' as const) : ('alive' as const);
      return { id, ...about, silentMs, state };
    })
    .sort((a, b) => a.role.localeCompare(b.role) || a.startedAt.localeCompare(b.startedAt));
}

/** Whether processes of this role were there, and all of them are missing. */
export function areAllSilent(processes: readonly SeenProcess[], role: SeenProcess['role']): boolean {
  const those = processes.filter((one) => one.role === role);
  return those.length > 0 && those.every(({ state }) => state === 'missing');
}

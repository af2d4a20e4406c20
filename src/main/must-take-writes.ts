import type { Heartbeat } from '../adapters/processes/heartbeat.ts';
import type { SafeWrites } from '../adapters/redis/safe-writes.ts';
import { Unhealthy } from '../observability/health.ts';

/**
 * For a health check. A Redis that answers may refuse to write, most often because its memory is used up. Or its disk or its
 * replicas may not have what must be there.
 */
export function mustTakeWrites(
  { refusal }: Pick<Heartbeat, 'refusal'>,
  safeWrites: Pick<SafeWrites, 'problem'> | undefined,
): void {
  const problem = refusal ?? safeWrites?.problem;
  if (problem !== undefined) throw new Unhealthy(problem);
}

import type { Heartbeat } from '../adapters/processes/heartbeat.ts';
import { Unhealthy } from '../observability/health.ts';

/** For a health check. A Redis that answers may refuse to write, most often because its memory is used up. */
export function mustTakeWrites({ refusal }: Pick<Heartbeat, 'refusal'>): void {
  if (refusal !== undefined) throw new Unhealthy(refusal);
}

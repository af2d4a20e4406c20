import { Gauge, type Registry } from 'prom-client';
import type { SweepName } from '../contracts/retention.ts';
import type { SweepRecord } from '../contracts/sweeps.ts';

/**
 * Adds how long ago each sweep was made.
 * @param names the sweeps that there are
 * @param read what became of them. It is called for each scrape
 */
export function measureSweeps(
  registry: Registry,
  names: readonly SweepName[],
  read: () => Promise<Partial<Record<SweepName, SweepRecord>>>,
): void {
  new Gauge({
    name: 'healify_sweep_age_seconds',
    help: 'How long ago something that is too old was last looked for and removed without an error. sweep: what, as docs/retention.md names it. It stays below two minutes. Every api shows the same, so use max and not sum.',
    labelNames: ['sweep'],
    registers: [registry],
    async collect() {
      const records = await read().catch(() => undefined);
      this.reset();
      for (const sweep of records ? names : []) {
        const since = records?.[sweep]?.doneAt ?? records?.[sweep]?.failingSince;
        if (since) this.set({ sweep }, Math.max(0, (Date.now() - Date.parse(since)) / 1000));
      }
    },
  });
}

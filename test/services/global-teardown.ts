import type { EndOfRun } from './global-setup.ts';

/** Stops the servers. In watch mode it empties them instead, and they stay up for the next run. */
export default async function tearDown({ watch, watchAll }: { watch: boolean; watchAll: boolean }): Promise<void> {
  const { endTestRun } = globalThis as unknown as { endTestRun?: EndOfRun };
  await endTestRun?.({ watching: watch || watchAll });
}

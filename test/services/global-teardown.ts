import type { EndOfRun } from './global-setup.ts';

/** In watch mode the servers run on, empty, until jest ends. */
export default async function tearDown({ watch, watchAll }: { watch: boolean; watchAll: boolean }): Promise<void> {
  const { endTestRun } = globalThis as unknown as { endTestRun?: EndOfRun };
  await endTestRun?.({ watching: watch || watchAll });
}

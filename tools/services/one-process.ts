import type { GuardedProcess } from './guarded-process.ts';
import type { Service } from './service.ts';

/**
 * Makes a service of a server that is one process, and starts it.
 * @param options.run starts the process, and waits until the server is ready
 */
export async function startOneProcess(options: {
  url: string;
  logFile: string;
  run: () => Promise<GuardedProcess>;
}): Promise<Service> {
  const { url, logFile, run } = options;
  let server: GuardedProcess | undefined;
  const start = async () => {
    server = await run();
  };
  await start();
  return {
    url,
    logFile,
    start,
    stop: async () => server?.stop(),
    kill: async () => server?.kill(),
    exited: async () => {
      await server?.exited;
      return server?.exitCode;
    },
  };
}

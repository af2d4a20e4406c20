import { fillCompileCache } from '../../tools/services/compile-cache.ts';
import { installMonitoring } from '../../tools/services/monitoring.ts';
import { makeRunFolder, removeFolder } from '../../tools/services/run-folder.ts';
import { chooseWay, installPrograms } from './choose-way.ts';
import { chooseMongoDb } from './mongodb-source.ts';
import { openServerDesk } from './server-desk.ts';
import { createSharedServers } from './shared-servers.ts';

/** What global-teardown.ts does when a run ends. */
export type EndOfRun = (options: { watching: boolean }) => Promise<void>;

/**
 * Starts no server. Tests ask for servers with the functions of services.ts. In watch mode jest calls this
 * before each run; then the servers of the run before are there.
 */
export default async function setUp(): Promise<void> {
  if ('endTestRun' in globalThis) return;
  const way = chooseWay();
  // It may take minutes, which is longer than a test may wait.
  if (way === 'local') installPrograms();
  installMonitoring();
  await fillCompileCache();
  const mongoDb = chooseMongoDb(way);
  process.env.TEST_MONGODB_SOURCE = JSON.stringify(mongoDb);
  if (mongoDb.kind === 'none') process.stdout.write(`Tests with MongoDB are left out: ${mongoDb.why}\n`);
  const folder = makeRunFolder('test');
  process.env.TEST_RUN_FOLDER = folder;
  const servers = createSharedServers(way, mongoDb);
  const desk = await openServerDesk(servers);
  process.env.TEST_SERVER_DESK = desk.url;
  const endTestRun: EndOfRun = async ({ watching }) => {
    if (watching) return await servers.empty();
    desk.close();
    await servers.stop();
    removeFolder(folder);
  };
  Object.assign(globalThis, { endTestRun });
}

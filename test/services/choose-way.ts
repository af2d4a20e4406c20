import { spawnSync } from 'node:child_process';
import { installMissing } from '../../tools/services/apt.ts';
import { imageOf } from '../../tools/services/images.ts';
import { missingServers } from '../../tools/services/programs.ts';
import type { Way } from './servers.ts';

/**
 * How this run gets its servers. TEST_SERVICES decides if it is set. Otherwise LOCAL_SERVERS means this machine's own
 * servers. If neither is set, servers run in containers where a Docker engine can be reached and the images can be
 * pulled, and else on this machine.
 */
export function chooseWay(): Way {
  const wanted = process.env.TEST_SERVICES;
  if (wanted === 'containers') return 'containers';
  if (wanted !== undefined && wanted !== 'local') throw new Error('TEST_SERVICES must be containers or local');
  return wanted === undefined && !process.env.LOCAL_SERVERS && haveImages() ? 'containers' : 'local';
}

const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 300_000 }).status === 0;

function haveImages(): boolean {
  if (!run('docker', 'info')) return false;
  return [imageOf('redis'), imageOf('rabbitmq')].every(
    (image) => run('docker', 'image', 'inspect', image) || run('docker', 'pull', '-q', image),
  );
}

/** Installs the programs that the tests need and this machine lacks. */
export function installPrograms(): void {
  installMissing([...missingServers(), ...(run('which', 'amqp-publish') ? [] : ['amqp-tools'])], {
    otherWays: [`start a Docker engine that can pull ${imageOf('redis')} and ${imageOf('rabbitmq')}`],
  });
}

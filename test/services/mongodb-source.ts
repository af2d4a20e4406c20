import { spawnSync } from 'node:child_process';
import { imageOf } from '../../tools/services/images.ts';
import { type MongoDbProgram, mongoDbProgram } from '../../tools/services/mongodb.ts';
import type { Way } from './servers.ts';

/** Where the tests get a server that speaks MongoDB's protocol. */
export type MongoDbSource =
  | { readonly kind: 'given'; readonly url: string }
  | { readonly kind: 'container' }
  | { readonly kind: 'program'; readonly program: MongoDbProgram }
  /** There is none. Tests that need it are left out. */
  | { readonly kind: 'none'; readonly why: string };

/**
 * Decides it once for the whole run: the server of TEST_MONGODB_URL; else a container, if the other servers are
 * containers and the image can be pulled; else a program of this machine.
 */
export function chooseMongoDb(way: Way): MongoDbSource {
  const { TEST_MONGODB_URL } = process.env;
  if (TEST_MONGODB_URL) return { kind: 'given', url: TEST_MONGODB_URL };
  if (way === 'containers' && haveImage()) return { kind: 'container' };
  try {
    return { kind: 'program', program: mongoDbProgram() };
  } catch (error) {
    return { kind: 'none', why: (error as Error).message };
  }
}

function haveImage(): boolean {
  const docker = (...args: string[]) => spawnSync('docker', args, { stdio: 'ignore', timeout: 300_000 }).status === 0;
  const image = imageOf('mongo');
  return docker('image', 'inspect', image) || docker('pull', '-q', image);
}

/** What `chooseMongoDb` has found, for jest's workers. */
export const chosenMongoDb = (): MongoDbSource =>
  JSON.parse(process.env.TEST_MONGODB_SOURCE ?? '{"kind":"none","why":"jest has not looked for it"}') as MongoDbSource;

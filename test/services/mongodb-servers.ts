import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import * as mongodb from '../../tools/services/mongodb.ts';
import type { Service } from '../../tools/services/service.ts';
import { emptyMongoDb } from './empty-mongodb.ts';
import type { MongoDbSource } from './mongodb-source.ts';

/** Starts the server, or uses the one that was given: that one loses the databases of tests instead of being stopped. */
export async function startMongoDbFrom(
  source: MongoDbSource,
): Promise<Pick<Service, 'url' | 'stop' | 'kill' | 'start'> & { kind: string }> {
  switch (source.kind) {
    case 'given': {
      const refuse = () => Promise.reject(new Error('the server of TEST_MONGODB_URL is not ours to be killed'));
      return {
        url: source.url,
        kind: 'TEST_MONGODB_URL',
        stop: () => emptyMongoDb(source.url),
        kill: refuse,
        start: refuse,
      };
    }
    case 'container': {
      const { startMongoDb } = await import('./container-servers.ts');
      return { ...(await startMongoDb()), kind: 'container' };
    }
    case 'program': {
      const { program } = source;
      const dir = mkdtempSync(join(process.env.TEST_RUN_FOLDER!, 'mongodb-'));
      const server = await mongodb.startMongoDb({ program, dir });
      return { ...server, kind: program.kind, stop: () => server.kill() };
    }
    case 'none':
      throw new Error(source.why);
  }
}

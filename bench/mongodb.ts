import { join } from 'node:path';
import { mongoDbProgram, startMongoDb } from '../tools/services/mongodb.ts';

/** A MongoDB that a benchmark uses. */
export interface BenchMongoDb {
  /** Without a database. */
  url: string;
  /** What answers there, for the table. */
  name: string;
  stop(): Promise<void>;
}

/**
 * @param value the address of a server; or `local`: one is started, MongoDB if it is installed and else FerretDB, which
 * finds nothing by an index
 */
export async function useMongoDb(value: string, dir: string): Promise<BenchMongoDb> {
  if (value !== 'local') return { url: value.replace(/\/$/, ''), name: 'MongoDB', stop: async () => {} };
  const program = mongoDbProgram();
  const { url, stop } = await startMongoDb({ program, dir: join(dir, 'mongodb') });
  return { url, name: program.kind === 'ferretdb' ? 'FerretDB (SQLite)' : 'MongoDB', stop };
}

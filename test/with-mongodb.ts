import { describe } from '@jest/globals';
import { chosenMongoDb } from './services/mongodb-source.ts';

/**
 * Describes tests that need a server that speaks MongoDB's protocol. Where there is none, they are left out; the run says
 * at its start why.
 * @param options.killed the tests kill the server, so it must not be the one of TEST_MONGODB_URL
 */
export function withMongoDb(what: string, tests: () => void, { killed = false } = {}): void {
  const { kind } = chosenMongoDb();
  (kind === 'none' || (killed && kind === 'given') ? describe.skip : describe)(what, tests);
}

/** Whether the server is FerretDB, which lacks some of what MongoDB does. */
export function isFerretDb(): boolean {
  const source = chosenMongoDb();
  return source.kind === 'program' && source.program.kind === 'ferretdb';
}

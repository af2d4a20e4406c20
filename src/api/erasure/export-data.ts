import { setTimeout as sleep } from 'node:timers/promises';
import { placeOf } from '../../contracts/erasures.ts';
import { HealifyError } from '../../contracts/errors.ts';
import type { ExportLine } from '../../contracts/http/export-lines.ts';
import { type KindOfData, keptData, kindsOfData } from '../../contracts/kept-data.ts';
import type { Logger } from '../../observability/log.ts';
import { type DataGroup, type ExportKind, type Scope, tracesOf } from './data-group.ts';

/** Somebody else may be looking at dead letters, and is soon done with it. */
const TRIES = 5;
const BETWEEN_TRIES_MS = 1_000;

const ABOUT =
  'Everything that healify-chat keeps of this user, also what the pages do not show. Passwords and tokens are kept only as hashes, ' +
  'which are named and not given. The audit trail, and what model providers keep, are not part of it.';

/** Gives everything that is kept of a user. */
export interface DataExporter {
  /**
   * Gives it line by line, and reads no further than it is asked for. What cannot be read is named in the last line.
   * @throws HealifyError nothing can be read; only before the first line
   */
  export(userId: string): AsyncGenerator<ExportLine>;
}

export function createDataExporter(options: {
  groups: readonly DataGroup[];
  dataKey: { exists: (userId: string) => Promise<boolean> };
  lasting: 'redis' | 'mongodb';
  logger: Logger;
}): DataExporter {
  const { groups, dataKey, lasting, logger } = options;
  const exports: Partial<Record<KindOfData, ExportKind>> = {
    ...Object.assign({}, ...groups.map((group) => group.export)),
    data_key: async function* ({ userId }) {
      if (await dataKey.exists(userId)) yield { secrets: ['key'] };
    },
  };

  /** Gives the things of a kind. Tries again if none was given yet. @throws HealifyError */
  async function* itemsOf(kind: KindOfData, scope: Scope): AsyncGenerator<object> {
    for (let tries = 1; ; tries++) {
      let given = false;
      try {
        for await (const item of exports[kind]!(scope)) {
          given = true;
          yield item;
        }
        return;
      } catch (error) {
        const canRetry = error instanceof HealifyError && error.retryable && !given && tries < TRIES;
        if (!canRetry) throw error;
      }
      await sleep(BETWEEN_TRIES_MS, undefined, { ref: false });
    }
  }

  async function* exportAll(userId: string): AsyncGenerator<ExportLine> {
    const counts: Partial<Record<KindOfData, number>> = {};
    const missing: { kind: KindOfData; code: string }[] = [];
    const scope: Scope = { userId, traces: () => tracesOf(groups, { userId }) };
    // The key is where everything that lasts is. If it cannot be read, nobody is given the beginning of an export.
    await dataKey.exists(userId);
    yield { type: 'export', version: 1, about: ABOUT, userId, begunAt: new Date().toISOString() };
    for (const kind of kindsOfData) {
      counts[kind] = 0;
      yield { type: 'kind', kind, what: keptData[kind].what, place: placeOf(kind, lasting) };
      try {
        for await (const item of itemsOf(kind, scope)) {
          counts[kind]++;
          yield { type: 'item', kind, item: item as Record<string, unknown> };
        }
      } catch (error) {
        if (!(error instanceof HealifyError)) throw error;
        logger.warn({ kind, code: error.code }, 'a kind of data could not be exported');
        missing.push({ kind, code: error.code });
      }
    }
    yield { type: 'end', complete: missing.length === 0, counts: counts as Record<string, number>, missing };
  }

  return { export: exportAll };
}

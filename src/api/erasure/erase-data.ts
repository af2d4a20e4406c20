import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErasureStore } from '../../adapters/erasures/erasure-store.ts';
import type { ErasureWork } from '../../adapters/erasures/erasure-work.ts';
import { type Erasure, placeOf, type Trace } from '../../contracts/erasures.ts';
import { HealifyError } from '../../contracts/errors.ts';
import { type DataOf, type KindOfData, kindsOfData } from '../../contracts/kept-data.ts';
import type { Logger } from '../../observability/log.ts';
import { type DataGroup, kindsOf, type Scope, tracesOf } from './data-group.ts';

/** How long a process has an erasure for itself after its last step. No step takes longer, or else it is done twice. */
const LEASE_MS = 120_000;
/** How often an erasure is tried at once. Later a round goes on with it. */
const TRIES = 6;
const BETWEEN_TRIES_MS = 500;
const FINISHED_TOGETHER = 10;
/** How much later a worker may still write about a job that it has ended, or cache an answer that it has just got. */
const LATE_MS = 2_000;

export interface DataEraser {
  /**
   * Counts what is kept, by kind, and changes nothing.
   * @param erasureId the erasure of it; left out: the latest one of the user
   * @throws HealifyError a server is away
   */
  survey(of: DataOf, erasureId?: string): Promise<Record<KindOfData, number>>;
  /**
   * Notes that everything of a user, or one conversation, must be erased, and closes the door: a whole user can ask nothing any
   * more, and messages that come late are refused. Returns the erasure that is under way if there is one.
   * @throws StoreUnavailableError
   */
  begin(of: DataOf, requestedBy: Erasure['requestedBy']): Promise<Erasure>;
  /**
   * Notes what whoever has begun an erasure has erased already, and where the rest may be.
   * @throws StoreUnavailableError
   */
  noteErased(erasure: Erasure, erased: Partial<Record<KindOfData, number>>, traces: readonly Trace[]): Promise<void>;
  /** Forgets an erasure that has begun: there was nothing to erase. @throws StoreUnavailableError */
  drop(erasure: Erasure): Promise<void>;
  /**
   * Erases what is left, as far as that can be done now. Returns how far it is. If another process has it in hand, nothing is
   * done here.
   * @throws StoreUnavailableError the erasures themselves are out of reach
   */
  run(erasureId: string): Promise<Erasure>;
  find(erasureId: string): Promise<Erasure | undefined>;
  /** Whether everything of a user that comes from now on is refused. @throws StoreUnavailableError */
  isClosed(userId: string): Promise<boolean>;
  /** Goes on with erasures that have stopped half way. */
  finish(): Promise<void>;
}

/**
 * Erases what is kept of somebody. An erasure has these states:
 * - *erasing* from `begin` on. Its steps are: close the door; count; gather what leads to the rest; erase; count again. They are
 *   repeated until nothing is left. Each step can be repeated, so that any process can go on after a crash.
 * - *erased* once nothing is left. Only then is the user's key destroyed, which reaches backups.
 *
 * What a step has found is written down before the next one, so that the receipt is complete whatever dies in between.
 */
export function createDataEraser(options: {
  store: ErasureStore;
  work: ErasureWork;
  /** In the order in which they are erased. */
  groups: readonly DataGroup[];
  /** Refuses everything of a user that comes from now on. */
  closeDoor: (userId: string) => Promise<void>;
  isClosed: (userId: string) => Promise<boolean>;
  /** The key of a user's texts. */
  dataKey: { exists: (userId: string) => Promise<boolean>; destroy: (userId: string) => Promise<void> };
  lasting: 'redis' | 'mongodb';
  onErased?: (erasure: Erasure) => void;
  logger: Logger;
}): DataEraser {
  const { store, work, groups, closeDoor, dataKey, lasting, onErased = () => {}, logger } = options;
  const own = randomUUID();

  const scopeOf = ({ erasureId, userId, sessionId }: Erasure): Scope => ({
    userId,
    ...(sessionId !== null && { sessionId }),
    traces: () => work.traces(erasureId),
  });

  async function survey(of: DataOf, erasureId?: string): Promise<Record<KindOfData, number>> {
    const known = erasureId ?? (of.sessionId === undefined ? (await store.ofUser(of.userId))?.erasureId : undefined);
    const scope: Scope = {
      ...of,
      traces: async function* () {
        if (known !== undefined) yield* work.traces(known);
        yield* tracesOf(groups, of);
      },
    };
    const counts = await Promise.all(groups.map((group) => group.count(scope)));
    const key = of.sessionId === undefined && (await dataKey.exists(of.userId)) ? 1 : 0;
    return { ...NOTHING, ...Object.assign({}, ...counts), data_key: key };
  }

  async function begin({ userId, sessionId }: DataOf, requestedBy: Erasure['requestedBy']): Promise<Erasure> {
    const earlier = sessionId === undefined ? await store.ofUser(userId) : undefined;
    const erasure: Erasure =
      earlier?.state === 'erasing'
        ? earlier
        : {
            erasureId: randomBytes(24).toString('hex'),
            ...{ userId, sessionId: sessionId ?? null, requestedBy },
            requestedAt: new Date().toISOString(),
            ...{ state: 'erasing', erasedAt: null, waitsFor: null, kinds: [] },
          };
    await store.save(erasure);
    if (sessionId === undefined) await closeDoor(userId);
    return erasure;
  }

  /** Notes how much is left of some kinds. More than before has come since. */
  function note(erasure: Erasure, counts: Partial<Record<KindOfData, number>>): void {
    const lookedAt = new Date().toISOString();
    for (const [kind, left] of Object.entries(counts) as [KindOfData, number][]) {
      const known = erasure.kinds.find((other) => other.kind === kind);
      const found = (known?.found ?? 0) + Math.max(0, left - (known?.left ?? 0));
      const next = { kind, place: placeOf(kind, lasting), found, erased: found - left, left, lookedAt };
      if (known) Object.assign(known, next);
      else erasure.kinds.push(next);
    }
  }

  /** Does one thing with each group. A group that fails does not stop the others. Returns the code of the first failure. */
  async function withEach(
    erasure: Erasure,
    use: (group: DataGroup) => Promise<unknown>,
    some: (group: DataGroup) => boolean = () => true,
  ): Promise<string | undefined> {
    let failure: string | undefined;
    for (const group of groups) {
      if (!some(group)) continue;
      await work.take(erasure.erasureId, own, LEASE_MS);
      try {
        await use(group);
      } catch (error) {
        if (!(error instanceof HealifyError)) throw error;
        failure ??= error.code;
        const { erasureId } = erasure;
        logger.debug(
          { erasureId, kinds: kindsOf(group), err: error },
          'a part of an erasure failed; it is tried again',
        );
      }
    }
    return failure;
  }

  /** One try. Returns why something is left; undefined: nothing is. */
  async function tryOnce(erasure: Erasure): Promise<string | undefined> {
    const scope = scopeOf(erasure);
    const countIn = async (group: DataGroup) => {
      const counts = await group.count(scope);
      // Some kinds are never of a single conversation.
      const kinds = kindsOf(group).filter((kind) => scope.sessionId === undefined || counts[kind] !== undefined);
      note(erasure, Object.fromEntries(kinds.map((kind) => [kind, counts[kind] ?? 0])));
    };
    const failures: (string | undefined)[] = [];
    failures.push(await withEach(erasure, countIn));
    await store.save(erasure);
    failures.push(
      await withEach(erasure, async (group) => {
        await group.gather?.(scope, (traces) => work.addTraces(erasure.erasureId, traces));
      }),
    );
    failures.push(await withEach(erasure, countIn, ({ traced }) => traced));
    await store.save(erasure);
    failures.push(await withEach(erasure, (group) => group.erase(scope)));
    failures.push(await withEach(erasure, countIn));
    const failure = failures.find((each) => each !== undefined);
    if (failure !== undefined) return failure;
    return erasure.kinds.every(({ kind, left }) => left === 0 || kind === 'data_key') ? undefined : 'still_in_use';
  }

  /** Looks once more, for what was under way when nothing was found. */
  async function tryLater(erasure: Erasure): Promise<string | undefined> {
    await store.save(erasure);
    await sleep(LATE_MS, undefined, { ref: false });
    return await tryOnce(erasure);
  }

  async function complete(erasure: Erasure): Promise<void> {
    if (erasure.sessionId === null) {
      note(erasure, { data_key: (await dataKey.exists(erasure.userId)) ? 1 : 0 });
      await store.save(erasure);
      await dataKey.destroy(erasure.userId);
      note(erasure, { data_key: 0 });
    }
    Object.assign(erasure, { state: 'erased', erasedAt: new Date().toISOString(), waitsFor: null });
    await store.save(erasure);
    const { erasureId, requestedBy, sessionId } = erasure;
    logger.info({ erasureId, requestedBy, of: sessionId === null ? 'user' : 'session' }, 'erased');
    onErased(erasure);
  }

  async function run(erasureId: string, most: number): Promise<Erasure> {
    const erasure = await store.find(erasureId);
    if (!erasure) throw new Error('there is no such erasure');
    if (erasure.state === 'erased' || !(await work.take(erasureId, own, LEASE_MS))) return erasure;
    try {
      if (erasure.sessionId === null) await closeDoor(erasure.userId);
      for (let tries = 1; ; tries++) {
        const problem = (await tryOnce(erasure)) ?? (await tryLater(erasure));
        if (problem === undefined) {
          await complete(erasure);
          return erasure;
        }
        erasure.waitsFor = problem;
        await store.save(erasure);
        if (tries === most) return erasure;
        await sleep(BETWEEN_TRIES_MS * tries, undefined, { ref: false });
      }
    } finally {
      // If this fails, the lease expires.
      await work.leave(erasureId, own).catch(() => {});
    }
  }

  /** This process has the lease of all that it works on, so it remembers what that is. */
  const running = new Map<string, Promise<Erasure>>();
  function runOnce(erasureId: string, most: number): Promise<Erasure> {
    const known = running.get(erasureId);
    if (known) return known;
    const begun = run(erasureId, most).finally(() => running.delete(erasureId));
    running.set(erasureId, begun);
    return begun;
  }

  return {
    ...{ survey, begin },
    noteErased: async (erasure, erased, traces) => {
      await work.addTraces(erasure.erasureId, traces);
      note(erasure, erased);
      note(erasure, Object.fromEntries(Object.keys(erased).map((kind) => [kind, 0])));
      await store.save(erasure);
    },
    drop: (erasure) => store.remove(erasure),
    run: (erasureId) => runOnce(erasureId, TRIES),
    find: (erasureId) => store.find(erasureId),
    isClosed: options.isClosed,
    finish: async () => {
      for (const erasureId of await store.unfinished(FINISHED_TOGETHER)) await runOnce(erasureId, 1);
    },
  };
}

const NOTHING = Object.fromEntries(kindsOfData.map((kind) => [kind, 0])) as Record<KindOfData, number>;

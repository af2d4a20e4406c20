import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErasureStore } from '../../adapters/erasures/erasure-store.ts';
import type { ErasureWork } from '../../adapters/erasures/erasure-work.ts';
import { type Erasure, placeOf } from '../../contracts/erasures.ts';
import { HealifyError, type UnseenDeadLettersError } from '../../contracts/errors.ts';
import { type DataOf, type DataOfSession, type KindOfData, kindsOfData } from '../../contracts/kept-data.ts';
import type { Logger } from '../../observability/log.ts';
import { type Counts, type DataGroup, kindsOf, type NoteFound, type Scope, tracesOf } from './data-group.ts';

/** How long a process has an erasure for itself after its last step. No step takes longer, or else it is done twice. */
const LEASE_MS = 120_000;
/** The same for the first steps of the erasure of a conversation, which cost few round trips. */
const FIRST_STEPS_MS = 30_000;
/** How often an erasure is tried at once. Later a round goes on with it. */
const TRIES = 6;
const BETWEEN_TRIES_MS = 500;
const FINISHED_TOGETHER = 10;
/** Somebody must first do something about the dead letters, and looking at so many keeps everybody else from them. */
const UNSEEN = 'dead_letters_unseen' satisfies UnseenDeadLettersError['code'];
const PAUSE_OF_UNSEEN_MS = 600_000;
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
   * Notes that one conversation of a user must be erased, and lets the caller make the first steps. Nobody else works on it meanwhile.
   * If they fail half way, it goes on all the same.
   * @param steps is given what notes what it has found, which it must call before it erases for good what leads there; undefined:
   * another process makes all steps. It returns false if there was nothing to erase
   * @returns undefined: there was nothing to erase, and nothing is noted
   * @throws StoreUnavailableError, and what `steps` throws
   */
  beginWith(
    of: DataOfSession,
    requestedBy: Erasure['requestedBy'],
    steps: (note: NoteFound | undefined) => Promise<boolean>,
  ): Promise<Erasure | undefined>;
  /** Whether an erasure of this conversation is under way. @throws StoreUnavailableError */
  isUnderWay(of: DataOfSession): Promise<boolean>;
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
 * What a step has found is written down before the next one, so that the receipt is complete whatever dies in between. Only the
 * process that has the lease of an erasure writes it down.
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
    const erasure = await store.begin(newErasure({ userId, sessionId }, requestedBy));
    if (sessionId === undefined) await closeDoor(userId);
    return erasure;
  }

  /** Those whose first steps this process makes. */
  const begun = new Set<string>();

  async function beginWith(
    of: DataOfSession,
    requestedBy: Erasure['requestedBy'],
    steps: (note: NoteFound | undefined) => Promise<boolean>,
  ): Promise<Erasure | undefined> {
    const wished = newErasure(of, requestedBy);
    // Before it is written down, so that no other process has it first.
    await work.take(wished.erasureId, own, FIRST_STEPS_MS);
    const erasure = await store.begin(wished);
    const { erasureId } = erasure;
    const isNew = erasureId === wished.erasureId;
    if (!isNew) await work.leave(wished.erasureId, own);
    const leftToOthers = async () => ((await steps(undefined)) ? erasure : undefined);
    // The lease is one for the whole process, so it keeps nobody here from the same erasure.
    if (begun.has(erasureId) || running.has(erasureId)) return await leftToOthers();
    begun.add(erasureId);
    try {
      if (!(await work.take(erasureId, own, FIRST_STEPS_MS))) return await leftToOthers();
      // Only now nobody else changes it.
      const current = isNew ? erasure : await store.find(erasureId);
      if (current?.state !== 'erasing') return await leftToOthers();
      const note: NoteFound = async (traces, had = {}) => {
        await work.addTraces(erasureId, traces);
        noteAtLeast(current, had);
        await save(current, FIRST_STEPS_MS);
      };
      const hadSomething = await steps(note);
      if (!hadSomething && isNew) {
        await store.remove(erasure);
        await work.leave(erasureId, own);
      }
      return hadSomething ? current : undefined;
    } catch (error) {
      if (error instanceof TakenOver) return erasure;
      throw error;
    } finally {
      begun.delete(erasureId);
    }
  }

  /** Writes down how far an erasure is. @throws TakenOver another process does that now */
  async function save(erasure: Erasure, leaseMs = LEASE_MS): Promise<void> {
    if (!(await work.take(erasure.erasureId, own, leaseMs))) throw new TakenOver();
    await store.save(erasure);
  }

  function noteKind(erasure: Erasure, kind: KindOfData, { found, left }: { found: number; left: number }): void {
    const known = erasure.kinds.find((other) => other.kind === kind);
    const lookedAt = new Date().toISOString();
    const next = { kind, place: placeOf(kind, lasting), found, erased: found - left, left, lookedAt };
    if (known) Object.assign(known, next);
    else erasure.kinds.push(next);
  }

  const known = (erasure: Erasure, kind: KindOfData) =>
    erasure.kinds.find((other) => other.kind === kind) ?? { found: 0, left: 0 };

  /** Notes how much is left of some kinds. More than before has come since. */
  function note(erasure: Erasure, counts: Counts): void {
    for (const [kind, left] of Object.entries(counts) as [KindOfData, number][]) {
      const before = known(erasure, kind);
      noteKind(erasure, kind, { found: before.found + Math.max(0, left - before.left), left });
    }
  }

  /** Notes how much there was of some kinds at least, all of which is still to be counted. */
  function noteAtLeast(erasure: Erasure, had: Counts): void {
    for (const [kind, count] of Object.entries(had) as [KindOfData, number][]) {
      const { found, left } = known(erasure, kind);
      noteKind(erasure, kind, { found: Math.max(found, count), left: left + Math.max(0, count - found) });
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
      if (!(await work.take(erasure.erasureId, own, LEASE_MS))) throw new TakenOver();
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
    const noteFound: NoteFound = async (traces, had = {}) => {
      await work.addTraces(erasure.erasureId, traces);
      noteAtLeast(erasure, had);
    };
    failures.push(await withEach(erasure, countIn, ({ counted }) => counted !== 'traced'));
    await save(erasure);
    failures.push(await withEach(erasure, async (group) => await group.gather?.(scope, noteFound)));
    failures.push(await withEach(erasure, countIn, ({ counted }) => counted !== 'before'));
    await save(erasure);
    failures.push(await withEach(erasure, (group) => group.erase(scope)));
    failures.push(await withEach(erasure, countIn));
    const failure = failures.find((each) => each !== undefined);
    if (failure !== undefined) return failure;
    return erasure.kinds.every(({ kind, left }) => left === 0 || kind === 'data_key') ? undefined : 'still_in_use';
  }

  /** Looks once more, for what was under way when nothing was found. */
  async function tryLater(erasure: Erasure): Promise<string | undefined> {
    await save(erasure);
    await sleep(LATE_MS, undefined, { ref: false });
    return await tryOnce(erasure);
  }

  async function complete(erasure: Erasure): Promise<void> {
    if (erasure.sessionId === null) {
      note(erasure, { data_key: (await dataKey.exists(erasure.userId)) ? 1 : 0 });
      await save(erasure);
      await dataKey.destroy(erasure.userId);
      note(erasure, { data_key: 0 });
    }
    Object.assign(erasure, { state: 'erased', erasedAt: new Date().toISOString(), waitsFor: null });
    await save(erasure);
    const { erasureId, requestedBy, sessionId } = erasure;
    logger.info({ erasureId, requestedBy, of: sessionId === null ? 'user' : 'session' }, 'erased');
    onErased(erasure);
  }

  /** @param when `again`: a round goes on with it, once in a while */
  async function run(erasureId: string, when: 'now' | 'again'): Promise<Erasure> {
    const isOurs = !begun.has(erasureId) && (await work.take(erasureId, own, LEASE_MS));
    // Only after that, so that nobody else changes it meanwhile.
    const erasure = await store.find(erasureId);
    if (!isOurs && erasure) return erasure;
    try {
      if (!erasure) throw new Error('there is no such erasure');
      if (erasure.state === 'erased') {
        // A process may have died before the list of those that are not done had lost it.
        if (when === 'again') await save(erasure);
        return erasure;
      }
      if (when === 'again' && isPausing(erasure)) {
        // So that those behind it come next.
        await save(erasure);
        return erasure;
      }
      if (erasure.sessionId === null) await closeDoor(erasure.userId);
      for (let tries = 1; ; tries++) {
        const problem = (await tryOnce(erasure)) ?? (await tryLater(erasure));
        if (problem === undefined) {
          await complete(erasure);
          return erasure;
        }
        erasure.waitsFor = problem;
        await save(erasure);
        if (when === 'again' || tries === TRIES || problem === UNSEEN) return erasure;
        await sleep(BETWEEN_TRIES_MS * tries, undefined, { ref: false });
      }
    } catch (error) {
      if (error instanceof TakenOver) return (await store.find(erasureId)) ?? erasure!;
      if (!erasure || error instanceof HealifyError) throw error;
      // So that it keeps nobody behind it from being erased.
      erasure.waitsFor = 'internal_error';
      await save(erasure).catch(() => {});
      logger.error({ erasureId, err: error }, 'an erasure failed; it is tried again');
      return erasure;
    } finally {
      // If this fails, the lease expires.
      await work.leave(erasureId, own).catch(() => {});
    }
  }

  /** This process has the lease of all that it works on, so it remembers what that is. */
  const running = new Map<string, Promise<Erasure>>();
  function runOnce(erasureId: string, when: 'now' | 'again'): Promise<Erasure> {
    const known = running.get(erasureId);
    if (known) return known;
    const tried = run(erasureId, when).finally(() => running.delete(erasureId));
    running.set(erasureId, tried);
    return tried;
  }

  return {
    ...{ survey, begin, beginWith },
    isUnderWay: async ({ userId, sessionId }) => (await store.underWay(userId, sessionId)) !== undefined,
    run: (erasureId) => runOnce(erasureId, 'now'),
    find: (erasureId) => store.find(erasureId),
    isClosed: options.isClosed,
    finish: async () => {
      // Together, so that they share the looks at dead letters.
      const tried = (await store.unfinished(FINISHED_TOGETHER)).map((erasureId) => runOnce(erasureId, 'again'));
      const failed = (await Promise.allSettled(tried)).find(({ status }) => status === 'rejected');
      if (failed) throw (failed as PromiseRejectedResult).reason;
    },
  };
}

/** Another process has the work on an erasure now, because a step here has taken longer than the lease. */
class TakenOver extends Error {}

/** Whether there were too many dead letters when it was tried a short time ago. */
const isPausing = ({ waitsFor, kinds }: Erasure) =>
  waitsFor === UNSEEN && kinds.some(({ lookedAt }) => Date.now() - Date.parse(lookedAt) < PAUSE_OF_UNSEEN_MS);

const newErasure = ({ userId, sessionId }: DataOf, requestedBy: Erasure['requestedBy']): Erasure => ({
  erasureId: randomBytes(24).toString('hex'),
  ...{ userId, sessionId: sessionId ?? null, requestedBy },
  requestedAt: new Date().toISOString(),
  ...{ state: 'erasing', erasedAt: null, waitsFor: null, kinds: [] },
});

const NOTHING = Object.fromEntries(kindsOfData.map((kind) => [kind, 0])) as Record<KindOfData, number>;

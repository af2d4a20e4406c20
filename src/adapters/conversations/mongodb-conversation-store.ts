import type { Db, UpdateFilter } from 'mongodb';
import type { TurnAddress } from '../../contracts/conversation.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { Redis } from '../redis/redis.ts';
import type { SafeWrites } from '../redis/safe-writes.ts';
import type { BeginOutcome, ConversationStore, KeptCounts, KeptOf, NewTurn, Remains } from './conversation-store.ts';
import { addErasure } from './erasures.ts';
import { readLists, readSomeSessions } from './kept-of-user.ts';
import {
  type ConversationDocument,
  conversationsOf,
  sessionDocumentIdOf,
  type TurnDocument,
  turnIdOf,
  turnOf,
  unexpired,
} from './mongodb/documents.ts';
import { findById, isThere } from './mongodb/find-by-id.ts';
import { readHistoryPage } from './mongodb/history-page.ts';
import { orStoresUnavailable } from './mongodb/or-stores-unavailable.ts';
import { readKept } from './mongodb/read-kept.ts';
import { readSessionList } from './mongodb/session-list.ts';
import { createSessionLoader } from './mongodb/session-loader.ts';
import { settleTurns } from './mongodb/settle.ts';
import { decodeCursor } from './newest-first.ts';
import { createRedisConversationStore, UNCONFIRMED_MS } from './redis-conversation-store.ts';
import { holdSession } from './redis-scripts/hold-session.ts';
import { restSession } from './redis-scripts/rest-session.ts';
import { isSameTitle, type KeptTitle, sealTitle } from './sealed-texts.ts';

const LEAST_LOADED_MS = 10_000;
const ERASED_TOGETHER = 100;

/**
 * Conversations in MongoDB. Turns that have ended are kept there, each with a document of its session. Redis has what is
 * live: the open turns, and the sessions in use. A session goes through these states:
 * - *in use* while it is in Redis. Its user's pages and the context of its next question come from there. While a turn is
 *   open, it stays.
 * - *idle* once `idleMs` have passed since its last turn ended. Then Redis forgets it.
 * - *in use* again when somebody reads or continues it. Then it is loaded from MongoDB.
 *
 * Lists and histories are read from MongoDB. The open turns of the user come from Redis.
 * @param options.safeWrites as in `createRedisConversationStore`
 * @param options.retentionMs how long a session is kept after its last change
 * @param options.replica names this process in the notices of settled turns; must not contain a space
 */
export function createMongoDbConversationStore(options: {
  db: Db;
  redis: Redis;
  safeWrites?: SafeWrites | undefined;
  seals: TextSeals;
  retentionMs: number;
  idleMs: number;
  replica: string;
}): ConversationStore {
  const { db, redis, seals, retentionMs, idleMs } = options;
  const conversations = conversationsOf(db);
  const live = createRedisConversationStore(options);
  const loader = createSessionLoader({ redis, conversations, retentionMs });
  /** A session that is read stays at least so long that it can be read. */
  const readMs = Math.max(idleMs, LEAST_LOADED_MS);
  /** A session that a question is about to be added to stays at least as long as one that begins. */
  const heldMs = Math.max(idleMs, UNCONFIRMED_MS);

  async function takeIntoUse(sessionId: string): Promise<void> {
    if (!(await holdSession(redis, sessionId, heldMs))) await loader.load(sessionId, { ttlMs: heldMs });
  }

  async function begin(turn: NewTurn, newSession: boolean): Promise<BeginOutcome> {
    await takeIntoUse(turn.sessionId);
    const outcome = await live.begin(turn, { newSession });
    if (outcome !== 'begun') await restSession(redis, turn.sessionId, idleMs);
    return outcome;
  }

  async function discard(turn: TurnAddress): Promise<void> {
    await live.discard(turn);
    await restSession(redis, turn.sessionId, idleMs);
  }

  /** Reads a session that is in use. One that is idle is loaded first. */
  async function inUse<T>(sessionId: string, userId: string, read: () => Promise<T | undefined>) {
    const found = await read();
    if (found !== undefined || !(await loader.load(sessionId, { userId, ttlMs: readMs }))) return found;
    return await read();
  }

  /**
   * Writes the title that Redis has to MongoDB, and repeats that if the title changes meanwhile. So the last one that was
   * chosen stays, whichever process writes last.
   * @param written the title that MongoDB has, as it is kept
   */
  async function keepTitle(sessionId: string, written: KeptTitle): Promise<void> {
    for (let last = written; ; ) {
      const text = await redis.get(redisKeys.session(sessionId));
      if (text === null) return;
      const title = JSON.parse(text) as KeptTitle;
      if (isSameTitle(title, last)) return;
      await orStoreUnavailable(conversations.updateOne({ _id: sessionDocumentIdOf(sessionId) }, settingTitle(title)));
      last = title;
    }
  }

  async function rename(sessionId: string, userId: string, title: string) {
    const renamed = await inUse(sessionId, userId, () => live.rename(sessionId, userId, title));
    if (!renamed) return undefined;
    const filter = { _id: sessionDocumentIdOf(sessionId), userId };
    const kept = sealTitle(await seals.forSealing([userId]), { sessionId, userId }, title);
    await orStoreUnavailable(conversations.updateOne(filter, settingTitle(kept)));
    await keepTitle(sessionId, kept);
    return renamed;
  }

  async function findTurn(turn: TurnAddress) {
    const found = await findById<TurnDocument>(conversations, turnIdOf(turn), turn.userId);
    return found ? turnOf(await seals.forOpening([turn.userId]), found) : undefined;
  }

  async function sessionOf(requestId: string, userId: string): Promise<string | undefined> {
    const open = await live.sessionOf(requestId, userId);
    if (open !== undefined) return open;
    const filter = { userId, requestId, ...unexpired() };
    const projection = { sessionId: 1 };
    return (await orStoreUnavailable(conversations.findOne(filter, { projection })))?.sessionId;
  }

  async function unsettled(sessionId: string, userId: string) {
    const open = await live.unsettled(sessionId, userId);
    if (open) return open;
    return (await isThere(conversations, sessionDocumentIdOf(sessionId), userId)) ? [] : undefined;
  }

  /** While MongoDB is away, an erasure is only noted. So no store shows what is gone from the other. */
  async function erase(sessionId: string, userId: string): Promise<Remains | undefined> {
    await addErasure(redis, { sessionId, userId });
    await orStoreUnavailable(
      conversations.findOne({ _id: sessionDocumentIdOf(sessionId) }, { projection: { _id: 1 } }),
    );
    // The tombstone lists what all turns have left elsewhere, so the session must be in Redis.
    await takeIntoUse(sessionId);
    const remains = await live.erase(sessionId, userId);
    if (remains) await orStoreUnavailable(conversations.deleteMany({ sessionId }));
    else await restSession(redis, sessionId, idleMs);
    return remains;
  }

  /** Sessions that Redis does not have come from MongoDB. */
  async function eraseSome(userId: string) {
    const live = await eraseSomeLive(userId);
    if (live) return live;
    const found = await orStoreUnavailable(
      conversations.find({ userId }, { projection: { sessionId: 1 }, limit: ERASED_TOGETHER }).toArray(),
    );
    if (found.length === 0) return undefined;
    return await eraseAll(userId, [...new Set(found.map(({ sessionId }) => sessionId))]);
  }

  async function eraseSomeLive(userId: string) {
    const some = await readSomeSessions(redis, userId);
    if (some.sessionIds.length === 0) return undefined;
    const erased = await eraseAll(userId, some.sessionIds);
    await some.remove();
    return erased;
  }

  async function eraseAll(userId: string, sessionIds: readonly string[]) {
    const erased: { sessionId: string; remains: Remains }[] = [];
    for (const sessionId of sessionIds) {
      const remains = await erase(sessionId, userId);
      if (remains) erased.push({ sessionId, remains });
      // It has expired, or the erasure was completed before it was deleted here.
      else await orStoreUnavailable(conversations.deleteMany({ sessionId, userId }));
    }
    return erased;
  }

  /** Redis has the turns that are open, and also all turns of a session in use. */
  async function countKeptInBoth(of: KeptOf): Promise<KeptCounts> {
    const { userId, sessionId } = of;
    const filter = sessionId === undefined ? { userId } : { userId, sessionId };
    const inUse = await live.countKept(of);
    const [ended, rated, conversationIds] = await Promise.all([
      conversations.countDocuments({ ...filter, kind: 'turn' }),
      conversations.countDocuments({ ...filter, ratedAt: { $exists: true } }),
      sessionId === undefined ? readLists(redis, userId).then(({ sessionIds }) => sessionIds) : new Set<string>(),
    ]);
    if (sessionId !== undefined) {
      const turns = Math.max(inUse.turns, ended);
      return { ...inUse, conversations: Math.min(1, inUse.conversations + ended), turns, feedback: rated };
    }
    const kept = conversations.find({ userId, kind: 'session' }, { projection: { sessionId: 1 } });
    for await (const each of kept) conversationIds.add(each.sessionId);
    return { ...inUse, conversations: conversationIds.size, turns: inUse.turns + ended, feedback: rated };
  }

  return {
    begin: (turn, { newSession }) => orStoresUnavailable(begin(turn, newSession)),
    confirm: live.confirm,
    discard: (turn) => orStoresUnavailable(discard(turn)),
    settle: async (responses) => {
      const own = await seals.forSealing(responses.map(({ userId }) => userId));
      const settling = { redis, seals: own, conversations, live, loader, keepTitle, retentionMs, idleMs, readMs };
      return await orStoresUnavailable(settleTurns(settling, responses));
    },

    session: (sessionId, userId, page) => inUse(sessionId, userId, () => live.session(sessionId, userId, page)),
    sessions: async (userId, page) => {
      if (page.cursor !== undefined) decodeCursor(page.cursor);
      const own = await seals.forOpening([userId]);
      return await orStoresUnavailable(readSessionList({ redis, seals: own, conversations }, userId, page));
    },
    rename: (sessionId, userId, title) => orStoresUnavailable(rename(sessionId, userId, title)),
    turn: async (turn) => (await live.turn(turn)) ?? (await findTurn(turn)),
    unsettled,
    sessionOf,
    history: async (userId, { limit, cursor }) => {
      if (cursor !== undefined) decodeCursor(cursor);
      const own = await seals.forOpening([userId]);
      return await orStoresUnavailable(
        readHistoryPage({ redis, seals: own, conversations, retentionMs }, userId, { limit, cursor }),
      );
    },

    erase: (sessionId, userId) => orStoresUnavailable(erase(sessionId, userId)),
    markErased: live.markErased,
    unfinishedErasures: live.unfinishedErasures,

    refuse: live.refuse,
    isRefused: live.isRefused,
    eraseSome: (userId) => orStoresUnavailable(eraseSome(userId)),
    leaveLists: live.leaveLists,
    countKept: (of) => orStoresUnavailable(countKeptInBoth(of)),
    kept: (userId) => readKept({ conversations, seals, live: live.kept(userId) }, userId),

    overdue: live.overdue,
    postpone: live.postpone,
    close: live.close,
  };
}

const settingTitle = ({ title, sealed }: KeptTitle): UpdateFilter<ConversationDocument> =>
  sealed === undefined
    ? { $set: { title: title || null }, $unset: { sealed: '' } }
    : { $set: { sealed }, $unset: { title: '' } };

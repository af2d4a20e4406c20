import { randomUUID } from 'node:crypto';
import { FEEDBACK_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { scanKeys } from '../redis/scan-keys.ts';
import { type ArchivedSession, type ArchivedTurn, archivedSession, type HistoryArchive } from './history-archive.ts';
import { addToHistory } from './history-index.ts';
import { loadSession } from './redis-scripts/load-session.ts';
import { keptMessageOf, keptTitleOf } from './sealed-texts.ts';
import { type StoredHead, titleMadeOf } from './stored-session.ts';
import { readQuestion } from './stored-turn.ts';
import { memberOf } from './turn-member.ts';

const SESSION_KEY = /^chat:session:/;
const NOTE_MS = 60_000;

/**
 * The sessions of Redis. They are found by their keys, so the user needs the right to SCAN. One round trip for each 100
 * keys that Redis looks at, and two for each 100 sessions.
 * @param options.retentionMs how long the lists of a user are kept after their last change
 */
export function createRedisHistoryArchive(options: { redis: Redis; retentionMs: number }): HistoryArchive {
  const { redis, retentionMs } = options;

  async function readSessions(sessionIds: readonly string[]): Promise<ArchivedSession[]> {
    const read = (sessionId: string) => {
      const key = redisKeys.session(sessionId);
      return Promise.all([redis.get(key), redis.pttl(key), redis.hgetall(redisKeys.turns(sessionId))]);
    };
    // These commands are sent together: one round trip.
    const stored = await orStoreUnavailable(Promise.all(sessionIds.map(read)));
    return sessionIds.flatMap((sessionId, index) => {
      const [text, leftMs, fields] = stored[index]!;
      return text === null ? [] : archivedSessionOf(sessionId, text, leftMs, fields);
    });
  }

  async function* read(): AsyncGenerator<ArchivedSession> {
    for await (const keys of scanKeys(redis, redisKeys.session('*'))) {
      yield* await readSessions(keys.map((key) => key.replace(SESSION_KEY, '')));
    }
  }

  async function writeSession(session: ArchivedSession): Promise<void> {
    const { sessionId, userId, turns } = session;
    const ttlMs = Date.parse(session.keptUntil) - Date.now();
    if (ttlMs <= 0 || turns.length === 0) return;
    if ((await redis.exists(redisKeys.erasedUser(userId))) === 1) return;
    const note = randomUUID();
    // These commands are sent together: one round trip.
    await Promise.all([
      redis.set(redisKeys.loading(sessionId), note, 'PX', NOTE_MS),
      loadSession(redis, { session, turns }, { note, ttlMs }),
      ...turns.flatMap((turn) => addToLists(turn, { sessionId, userId })),
    ]);
  }

  function addToLists(turn: ArchivedTurn, { sessionId, userId }: { sessionId: string; userId: string }) {
    const { requestId, feedback } = turn;
    const address = { sessionId, requestId, userId };
    const inHistory = addToHistory(redis, userId, { ...address, createdAt: Date.parse(turn.createdAt) }, retentionMs);
    const rated = feedback && redis.zadd(FEEDBACK_KEY, Date.parse(feedback.ratedAt), memberOf(address));
    return [inHistory, rated];
  }

  return {
    read,
    write: async (sessions) => void (await orStoreUnavailable(Promise.all(sessions.map(writeSession)))),
  };
}

/** Returns nothing of a session that has no ended turn. Turns of old versions are numbered by their questions. */
function archivedSessionOf(
  sessionId: string,
  text: string,
  leftMs: number,
  fields: Record<string, string>,
): ArchivedSession[] {
  const turns: ArchivedTurn[] = [];
  for (const [field, answer] of Object.entries(fields)) {
    const requestId = field.slice(0, -2);
    const question = fields[`${requestId}:q`];
    if (!field.endsWith(':a') || question === undefined) continue;
    const answerKey = fields[`${requestId}:k`];
    const feedback = fields[`${requestId}:f`];
    const asked = readQuestion(question);
    turns.push({
      ...keptMessageOf(asked),
      createdAt: asked.createdAt,
      requestId,
      number: Number.parseInt(question, 10),
      response: { ...JSON.parse(answer), ...(answerKey !== undefined && { answerKey }) },
      feedback: feedback === undefined ? null : (JSON.parse(feedback) as ArchivedTurn['feedback']),
    });
  }
  if (turns.length === 0) return [];
  turns.sort((a, b) => a.number - b.number);
  const head = JSON.parse(text) as StoredHead;
  const { userId, createdAt, updatedAt } = head;
  const first = fields[`${fields['0:n'] ?? turns[0]!.requestId}:q`] ?? '';
  const keptUntil = new Date(Date.now() + Math.max(leftMs, 0)).toISOString();
  const title = head.sealed === undefined ? { title: (head.title ?? titleMadeOf(first)) || null } : keptTitleOf(head);
  return [archivedSession.parse({ sessionId, userId, ...title, createdAt, updatedAt, keptUntil, turns })];
}

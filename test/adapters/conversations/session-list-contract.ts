import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type ConversationStore,
  type NewTurn,
  UnreadableCursor,
} from '../../../src/adapters/conversations/conversation-store.ts';

/** What every conversation store must do with a user's list of sessions. */
export function describeSessionList(name: string, makeStore: () => Promise<ConversationStore>): void {
  describe(`${name} keeps a user's list of sessions`, () => {
    let store: ConversationStore;
    let clock = Date.now();
    beforeAll(async () => {
      store = await makeStore();
    });

    /** A question of a session. Each is asked a millisecond after the one before, unless `createdAt` is given. */
    const newTurn = (fields: Partial<NewTurn> = {}): NewTurn => ({
      sessionId: randomUUID(),
      userId: randomUUID(),
      requestId: randomUUID(),
      message: 'How?',
      createdAt: new Date(clock++).toISOString(),
      dueInMs: 900_000,
      ...fields,
    });
    const ask = async (fields: Partial<NewTurn> = {}, options = { newSession: true }): Promise<NewTurn> => {
      const turn = newTurn(fields);
      expect(await store.begin(turn, options)).toBe('begun');
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      return turn;
    };
    const titlesOf = async (userId: string, page: Partial<Parameters<ConversationStore['sessions']>[1]> = {}) =>
      (await store.sessions(userId, { limit: 100, ...page })).sessions.map(({ title }) => title);

    test('the session with the newest question comes first, with its title and its times', async () => {
      const first = await ask({ message: 'First' });
      const { userId } = first;
      await ask({ userId, message: 'Second' });
      expect(await titlesOf(userId)).toEqual(['Second', 'First']);
      await ask({ userId, sessionId: first.sessionId, message: 'Go on' }, { newSession: false });
      const { sessions, nextCursor } = await store.sessions(userId, { limit: 10 });
      expect(sessions.map(({ title }) => title)).toEqual(['First', 'Second']);
      expect(nextCursor).toBeNull();
      const page = await store.session(first.sessionId, userId, { limit: 1 });
      expect(sessions[0]).toEqual(page!.session);
    });

    test('pages hold each session once, also those of the same millisecond', async () => {
      const { userId, createdAt } = await ask();
      for (let i = 0; i < 6; i++) await ask({ userId, createdAt });
      const found: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.sessions(userId, { limit: 2, cursor });
        expect(page.sessions.length).toBeLessThanOrEqual(2);
        found.push(...page.sessions.map(({ sessionId }) => sessionId));
        cursor = page.nextCursor;
      }
      expect(found).toHaveLength(7);
      expect(new Set(found).size).toBe(7);
    });

    test('a user sees no other user’s session, whichever id was tried', async () => {
      const theirs = await ask({ message: 'Private' });
      const mine = await ask();
      const stolen = newTurn({ userId: mine.userId, sessionId: theirs.sessionId });
      expect(await store.begin(stolen, { newSession: true })).toBe('taken');
      expect(await store.begin(stolen, { newSession: false })).toBe('not_found');
      expect(await titlesOf(mine.userId)).toEqual(['How?']);
      expect(await titlesOf(theirs.userId)).toEqual(['Private']);
      expect(await store.rename(theirs.sessionId, mine.userId, 'Mine')).toBeUndefined();
    });

    test('a session is listed once its question is visible, and not after it was erased', async () => {
      const turn = newTurn();
      await store.begin(turn, { newSession: true });
      expect(await titlesOf(turn.userId)).toEqual([]);
      expect(await store.rename(turn.sessionId, turn.userId, 'Too early')).toBeUndefined();
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      expect(await titlesOf(turn.userId)).toEqual(['How?']);
      await store.erase(turn.sessionId, turn.userId);
      expect(await titlesOf(turn.userId)).toEqual([]);
      expect(await store.rename(turn.sessionId, turn.userId, 'Too late')).toBeUndefined();
    });

    test('a session stays in the list if a question is refused because the session’s id is in use', async () => {
      const turn = await ask();
      expect(await store.begin({ ...newTurn(turn), requestId: randomUUID() }, { newSession: true })).toBe('taken');
      expect(await titlesOf(turn.userId)).toEqual(['How?']);
    });

    test('if the first question is refused, the next one gives the title', async () => {
      const refused = newTurn({ message: 'Refused' });
      await store.begin(refused, { newSession: true });
      await store.discard(refused);
      const { sessionId, userId } = refused;
      await ask({ sessionId, userId, message: 'Accepted' });
      expect(await titlesOf(userId)).toEqual(['Accepted']);
    });

    test('a title that the user chose stays, whatever is asked and answered later', async () => {
      const turn = await ask({ message: 'Made of this' });
      const { sessionId, userId, requestId } = turn;
      const before = (await store.session(sessionId, userId, { limit: 1 }))!.session;
      const title = 'Über "Ernährung" \u{1f957} / \\';
      expect(await store.rename(sessionId, userId, title)).toEqual({ ...before, title });
      await ask({ userId, sessionId, message: 'Another' }, { newSession: false });
      expect(await titlesOf(userId)).toEqual([title]);
      expect((await store.turn({ sessionId, requestId, userId }))!.message).toBe('Made of this');
    });

    test('a search finds titles that contain a text, in capital letters or not, however many sessions there are', async () => {
      const { userId } = await ask({ message: 'What is a Healthy BREAKFAST?' });
      for (let i = 0; i < 120; i++) await ask({ userId, message: `Question ${i}` });
      expect(await titlesOf(userId, { search: 'healthy break' })).toEqual(['What is a Healthy BREAKFAST?']);
      expect(await titlesOf(userId, { search: 'question 1', limit: 3 })).toHaveLength(3);
      expect(await titlesOf(userId, { search: '*' })).toEqual([]);
    });

    test('a cursor of somebody else’s making is refused', async () => {
      for (const cursor of ['x', '', 'W10', Buffer.from('[1]').toString('base64url')])
        await expect(store.sessions(randomUUID(), { limit: 1, cursor })).rejects.toThrow(UnreadableCursor);
    });
  });
}

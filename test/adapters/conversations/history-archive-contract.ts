import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ConversationStore } from '../../../src/adapters/conversations/conversation-store.ts';
import type { FeedbackStore, NewFeedback } from '../../../src/adapters/conversations/feedback-store.ts';
import type { ArchivedSession, HistoryArchive } from '../../../src/adapters/conversations/history-archive.ts';
import { responseTo } from './response-to.ts';

interface Stores {
  archive: HistoryArchive;
  conversations: ConversationStore;
  feedback: FeedbackStore;
}

/**
 * What every archive must do.
 * @param makeStores makes an empty store
 */
export function describeHistoryArchive(name: string, makeStores: () => Promise<Stores>): void {
  describe(`${name} can be copied`, () => {
    let stores: Stores;
    let kept: Record<'userId' | 'sessionId', string> & { requestIds: string[] };
    const readAll = async (archive: HistoryArchive) => {
      const found: ArchivedSession[] = [];
      for await (const session of archive.read()) found.push(session);
      return found;
    };
    const rated: NewFeedback = {
      ...{ rating: 'up', reason: 'helpful', comment: 'Thanks', model: 'm', provider: 'p' },
      ratedAt: '2026-01-01T00:00:05.000Z',
    };

    beforeAll(async () => {
      stores = await makeStores();
      const { conversations, feedback } = stores;
      const [userId, sessionId] = [randomUUID(), randomUUID()];
      const requestIds = [randomUUID(), randomUUID(), randomUUID()];
      for (const [i, requestId] of requestIds.entries()) {
        const createdAt = new Date(Date.now() - 60_000 + i).toISOString();
        const turn = { sessionId, userId, requestId, message: `Question "${i}"`, createdAt, dueInMs: 900_000 };
        await conversations.begin(turn, { newSession: i === 0 });
        await conversations.confirm(sessionId, requestId, { hurry: true });
        if (i < 2) await conversations.settle([responseTo(turn, { answerKey: `key ${i}` })]);
      }
      await feedback.rate({ sessionId, requestId: requestIds[0]!, userId }, rated);
      kept = { userId, sessionId, requestIds };
    });

    test('a session is given with its title, its ended turns in order, their feedback and keys, and no open turn', async () => {
      const [session, ...others] = await readAll(stores.archive);
      expect(others).toEqual([]);
      expect(session).toMatchObject({ sessionId: kept.sessionId, userId: kept.userId, title: 'Question "0"' });
      expect(session!.turns).toMatchObject([
        { requestId: kept.requestIds[0], number: 0, feedback: rated, response: { answerKey: 'key 0', attempts: 2 } },
        { requestId: kept.requestIds[1], number: 1, feedback: null, message: 'Question "1"' },
      ]);
      expect(Date.parse(session!.keptUntil)).toBeGreaterThan(Date.now());
    });

    test('what is written into an empty store is the same there, and writing it again changes nothing', async () => {
      const copy = await makeStores();
      const sessions = await readAll(stores.archive);
      await copy.archive.write(sessions);
      await copy.archive.write(sessions);
      const withoutTime = (all: ArchivedSession[]) => all.map(({ keptUntil, ...session }) => session);
      expect(withoutTime(await readAll(copy.archive))).toEqual(withoutTime(sessions));

      const { userId, sessionId, requestIds } = kept;
      const history = await copy.conversations.history(userId, { limit: 10 });
      expect(history.turns.map(({ requestId }) => requestId)).toEqual([requestIds[1], requestIds[0]]);
      expect((await copy.conversations.sessions(userId, { limit: 10 })).sessions).toMatchObject([{ sessionId }]);
      const page = await copy.conversations.session(sessionId, userId, { limit: 10 });
      expect(page!.turns[0]).toMatchObject({ feedback: { comment: 'Thanks' }, answer: { response: 'So.' } });
      const given = [];
      const span = { from: Date.parse(rated.ratedAt), until: Date.parse(rated.ratedAt) };
      for await (const answer of copy.feedback.given(span)) given.push(answer);
      expect(given).toMatchObject([{ requestId: requestIds[0], commented: true }]);
      const remains = await copy.conversations.erase(sessionId, userId);
      expect(remains!.answerKeys.toSorted()).toEqual(['key 0', 'key 1']);
    });

    test('a session whose time is over is not written', async () => {
      const copy = await makeStores();
      const [session] = await readAll(stores.archive);
      await copy.archive.write([{ ...session!, keptUntil: '2026-01-01T00:00:00.000Z' }]);
      expect(await readAll(copy.archive)).toEqual([]);
    });
  });
}

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ConversationStore } from '../../../src/adapters/conversations/conversation-store.ts';
import type { FeedbackStore, NewFeedback } from '../../../src/adapters/conversations/feedback-store.ts';
import type { RatedAnswer } from '../../../src/contracts/feedback.ts';
import { responseTo } from './response-to.ts';

/** What every store of feedback must do, together with the conversations that the feedback belongs to. */
export function describeFeedbackStore(
  name: string,
  makeStores: () => Promise<{ conversations: ConversationStore; feedback: FeedbackStore }>,
): void {
  describe(`${name} keeps what users think of answers`, () => {
    let conversations: ConversationStore;
    let feedback: FeedbackStore;
    beforeAll(async () => {
      ({ conversations, feedback } = await makeStores());
    });

    const ask = async () => {
      const turn = { sessionId: randomUUID(), requestId: randomUUID(), userId: randomUUID() };
      const question = { ...turn, message: 'How?', createdAt: new Date().toISOString(), dueInMs: 900_000 };
      await conversations.begin(question, { newSession: true });
      await conversations.confirm(turn.sessionId, turn.requestId, { hurry: true });
      return turn;
    };
    const askAndAnswer = async () => {
      const turn = await ask();
      await conversations.settle([responseTo(turn)]);
      return turn;
    };
    let clock = Date.parse('2026-01-01T00:00:00Z');
    const opinion = (fields: Partial<NewFeedback> = {}): NewFeedback => ({
      rating: 'up',
      reason: 'helpful',
      comment: 'Good "ü" \u{1f600}',
      ratedAt: new Date(clock++).toISOString(),
      model: 'm',
      provider: 'p',
      ...fields,
    });
    const given = async (from: string, until = from) => {
      const found: RatedAnswer[] = [];
      const span = { from: Date.parse(from), until: Date.parse(until) };
      for await (const answer of feedback.given(span)) found.push(answer);
      return found;
    };

    test('feedback is seen with its turn, in the session, in the history and alone', async () => {
      const turn = await askAndAnswer();
      const { model, provider, ...seen } = opinion();
      expect(await feedback.rate(turn, { ...seen, model, provider })).toEqual({ rating: null });
      expect((await conversations.turn(turn))!.feedback).toEqual(seen);
      expect((await conversations.session(turn.sessionId, turn.userId, { limit: 1 }))!.latest.feedback).toEqual(seen);
      expect((await conversations.history(turn.userId, { limit: 1 })).turns[0]!.feedback).toEqual(seen);
    });

    test('a change of mind replaces the feedback, and says what it was', async () => {
      const turn = await askAndAnswer();
      await feedback.rate(turn, opinion());
      const second = opinion({ rating: 'down', reason: 'incorrect', comment: null });
      expect(await feedback.rate(turn, second)).toEqual({ rating: 'up' });
      expect(await feedback.rate(turn, second)).toEqual({ rating: 'down' });
      expect(await given(second.ratedAt)).toMatchObject([{ requestId: turn.requestId, rating: 'down' }]);
      expect(await feedback.withdraw(turn)).toEqual({ rating: 'down' });
      expect(await feedback.withdraw(turn)).toEqual({ rating: null });
      expect((await conversations.turn(turn))!.feedback).toBeNull();
      expect(await given(second.ratedAt)).toEqual([]);
    });

    test('only the user can rate a turn, and only once it has ended', async () => {
      const [open, ended] = [await ask(), await askAndAnswer()];
      const rated = opinion();
      for (const turn of [open, { ...ended, userId: randomUUID() }, { ...ended, requestId: randomUUID() }]) {
        expect(await feedback.rate(turn, rated)).toBeUndefined();
        expect(await feedback.withdraw(turn)).toBeUndefined();
      }
      expect(await given(rated.ratedAt)).toEqual([]);
    });

    test('others see all feedback of a span of time, oldest first, and no comment', async () => {
      const ratedAt = '2026-02-01T00:00:00.000Z';
      const turns = await Promise.all(Array.from({ length: 3 }, askAndAnswer));
      const later = await askAndAnswer();
      await Promise.all(turns.map((turn) => feedback.rate(turn, opinion({ ratedAt }))));
      const until = '2026-02-01T00:00:00.001Z';
      await feedback.rate(later, opinion({ ratedAt: until, comment: null }));
      const found = await given(ratedAt, until);
      expect(
        found
          .slice(0, 3)
          .map(({ requestId }) => requestId)
          .sort(),
      ).toEqual(turns.map(({ requestId }) => requestId).sort());
      const { comment, ...rest } = opinion({ ratedAt: until });
      expect(found[3]).toEqual({ ...later, ...rest, commented: false });
      expect(found[0]).toMatchObject({ commented: true });
      expect(JSON.stringify(found)).not.toContain('Good');
    });

    test('an erased session leaves no feedback behind', async () => {
      const turn = await askAndAnswer();
      const rated = opinion();
      await feedback.rate(turn, rated);
      await conversations.erase(turn.sessionId, turn.userId);
      expect(await given(rated.ratedAt)).toEqual([]);
      expect(await feedback.rate(turn, rated)).toBeUndefined();
      expect(await given(rated.ratedAt)).toEqual([]);
    });
  });
}

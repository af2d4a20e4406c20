import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  type ConversationStore,
  type NewTurn,
  UnreadableCursor,
} from '../../../src/adapters/conversations/conversation-store.ts';
import type { ChatResponse } from '../../../src/contracts/chat-response.ts';
import { limits } from '../../../src/contracts/limits.ts';
import { responseTo } from './response-to.ts';

/**
 * What every conversation store must do.
 * @param makeStore makes an empty one
 * @param options.missesRaces of answers that come at once, it may take the one that it has written for another's
 */
export function describeConversationStore(
  name: string,
  makeStore: () => Promise<ConversationStore>,
  { missesRaces = false } = {},
): void {
  describe(`${name} is a conversation store`, () => {
    let store: ConversationStore;
    beforeAll(async () => {
      store = await makeStore();
    });

    const newTurn = (fields: Partial<NewTurn> = {}): NewTurn => ({
      sessionId: randomUUID(),
      userId: randomUUID(),
      requestId: randomUUID(),
      message: 'How?',
      createdAt: new Date().toISOString(),
      dueInMs: 900_000,
      ...fields,
    });
    /** A question that its user can see. */
    const ask = async (fields: Partial<NewTurn> = {}, options = { newSession: true }): Promise<NewTurn> => {
      const turn = newTurn(fields);
      expect(await store.begin(turn, options)).toBe('begun');
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      return turn;
    };
    const settle = async (turn: NewTurn, fields: Partial<ChatResponse> = {}) =>
      (await store.settle([responseTo(turn, fields)]))[0];
    const pageOf = ({ sessionId, userId }: NewTurn, page: { limit: number; cursor?: string; maxBytes?: number }) =>
      store.session(sessionId, userId, page);
    const sessionOf = (turn: NewTurn) => pageOf(turn, { limit: 100 });
    /** The requestIds of a whole session, page by page, oldest first. */
    const allTurns = async (turn: NewTurn, limit: number, maxBytes?: number) => {
      const found: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await pageOf(turn, { limit, ...(cursor && { cursor }), ...(maxBytes && { maxBytes }) });
        const { turns, nextCursor } = page!;
        expect(turns.length).toBeGreaterThan(0);
        expect(turns.length).toBeLessThanOrEqual(limit);
        found.unshift(...turns.map(({ requestId }) => requestId));
        cursor = nextCursor;
      } while (cursor !== null);
      return found;
    };

    test('a question is not seen before the broker has it', async () => {
      const turn = newTurn();
      expect(await store.begin(turn, { newSession: true })).toBe('begun');
      expect(await sessionOf(turn)).toBeUndefined();
      expect(await store.turn(turn)).toBeUndefined();
      expect((await store.history(turn.userId, { limit: 10 })).turns).toEqual([]);
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      expect(await sessionOf(turn)).toMatchObject({ turns: [{ requestId: turn.requestId, answer: null }] });
      expect(await store.turn(turn)).toMatchObject({ message: 'How?', answer: null });
      expect((await store.history(turn.userId, { limit: 10 })).turns).toHaveLength(1);
    });

    test('an erased user can begin nothing, and what was begun leaves nothing', async () => {
      const userId = randomUUID();
      await store.refuse(userId);
      expect(await store.isRefused(userId)).toBe(true);
      expect(await store.isRefused(randomUUID())).toBe(false);
      const turn = newTurn({ userId });
      expect(await store.begin(turn, { newSession: true })).toBe('user_erased');
      expect(await store.turn(turn)).toBeUndefined();
      expect(await store.countKept({ userId })).toMatchObject({ conversations: 0, turns: 0, openTurns: 0 });
    });

    test('all sessions of a user are counted and erased, also those that were never visible', async () => {
      const userId = randomUUID();
      const ended = await ask({ userId });
      await settle(ended);
      const queued = await ask({ userId });
      const hidden = newTurn({ userId });
      await store.begin(hidden, { newSession: true });
      const others = await ask();
      expect(await store.countKept({ userId })).toMatchObject({ conversations: 3, turns: 3, openTurns: 2 });
      expect(await store.countKept({ userId, sessionId: ended.sessionId })).toMatchObject({
        conversations: 1,
        turns: 1,
      });
      const erased: string[] = [];
      for (;;) {
        const some = await store.eraseSome(userId);
        if (!some) break;
        for (const { sessionId, remains } of some) {
          erased.push(sessionId);
          await store.markErased(sessionId, userId, remains);
        }
      }
      await store.leaveLists({ userId });
      expect(erased.sort()).toEqual([ended, queued, hidden].map(({ sessionId }) => sessionId).sort());
      expect(await store.countKept({ userId })).toEqual({
        ...{ conversations: 0, turns: 0, feedback: 0, openTurns: 0, unfinishedErasures: 0 },
      });
      expect(await sessionOf(others)).toBeDefined();
    });

    test('beginning and confirming again changes nothing', async () => {
      const turn = await ask();
      await settle(turn);
      const before = await sessionOf(turn);
      expect(await store.begin(turn, { newSession: true })).toBe('begun');
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      expect(await sessionOf(turn)).toEqual(before);
    });

    test('confirming what is not there makes nothing', async () => {
      const turn = newTurn();
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      expect(await sessionOf(turn)).toBeUndefined();
    });

    test('an answer is kept with all that came with it', async () => {
      const turn = await ask();
      const answer = { response: 'So: "ü" \u{1f600} \u2028', model: 'm', provider: 'p', cached: true };
      expect(await settle(turn, answer)).toBe('settled');
      const { completedAt, timings, usage, finishReason, attempts } = responseTo(turn);
      const { sessionId, requestId, createdAt } = turn;
      const seen = { sessionId, requestId, message: 'How?', createdAt, feedback: null };
      const whole = {
        ...answer,
        status: 'completed',
        error: null,
        usage,
        finishReason,
        attempts,
        timings,
        completedAt,
      };
      expect(await store.turn(turn)).toEqual({ ...seen, answer: whole });
      const page = await sessionOf(turn);
      expect(page).toMatchObject({ session: { sessionId, createdAt }, turns: [seen], latest: seen, nextCursor: null });
      expect(page!.latest.answer).toEqual(whole);
      expect((await store.history(turn.userId, { limit: 1 })).turns).toEqual([{ ...seen, answer: whole }]);
    });

    test('what a stopped model call had written is added to its cancelled turn, once, and nothing else of it changes', async () => {
      const turn = await ask();
      const stopped = { ...cancelled, finishReason: 'cancelled', response: 'Eat vege' } as const;
      await settle(turn, stopped);
      const before = (await store.turn(turn))?.answer;
      const partialUsage = { completionTokens: 7, estimated: true };
      expect(await settle(turn, { ...stopped, response: 'Eat', attempts: 9, partialUsage })).toBe('duplicate');
      const more = { ...partialUsage, completionTokens: 9 };
      expect(await settle(turn, { ...stopped, partialUsage: more })).toBe('duplicate');
      expect((await store.turn(turn))?.answer).toEqual({ ...before, partialUsage });

      const answered = await ask();
      await settle(answered);
      await settle(answered, { ...stopped, partialUsage });
      expect((await store.turn(answered))?.answer?.partialUsage).toBeUndefined();
    });

    test('a turn that has not ended says whether its answer is streamed', async () => {
      const { sessionId, userId } = await ask({ stream: true });
      await ask({ sessionId, userId }, { newSession: false });
      expect((await store.unsettled(sessionId, userId))?.map(({ stream }) => stream).sort()).toEqual([false, true]);
      const found = (await store.overdue(-1_000_000, 1_000)).filter((turn) => turn.sessionId === sessionId);
      expect(found.map(({ stream }) => stream).sort()).toEqual([false, true]);
    });

    test('a turn says why its answer ends, and a cancelled one that it was cancelled, whoever wrote it', async () => {
      const [cut, stopped] = [await ask(), await ask()];
      await settle(cut, { finishReason: 'length' });
      await settle(stopped, cancelled);
      expect((await store.turn(cut))?.answer?.finishReason).toBe('length');
      expect((await store.turn(stopped))?.answer?.finishReason).toBe('cancelled');
    });

    test('an answer that is quicker than the confirm makes its question visible', async () => {
      const turn = newTurn();
      await store.begin(turn, { newSession: true });
      expect(await settle(turn)).toBe('settled');
      expect(await sessionOf(turn)).toMatchObject({ latest: { answer: { status: 'completed' } } });
      await store.confirm(turn.sessionId, turn.requestId, { hurry: true });
      expect(await sessionOf(turn)).toMatchObject({ latest: { answer: { status: 'completed' } } });
    });

    test('the first terminal state stays', async () => {
      for (const first of ['completed', 'cancelled'] as const) {
        const turn = await ask();
        expect(await settle(turn, first === 'completed' ? {} : cancelled)).toBe('settled');
        const before = await sessionOf(turn);
        for (const second of [{ response: 'Another.' }, failed, cancelled]) {
          expect(await settle(turn, second)).toBe('duplicate');
        }
        expect(await sessionOf(turn)).toEqual(before);
      }
    });

    test('a failure gives way to a later answer, and to nothing else', async () => {
      const turn = await ask();
      expect(await settle(turn, failed)).toBe('settled');
      expect(await sessionOf(turn)).toMatchObject({ turns: [{ answer: { status: 'failed', error: failed.error } }] });
      expect(await settle(turn, cancelled)).toBe('duplicate');
      expect(await settle(turn, failed)).toBe('duplicate');
      expect(await settle(turn, { response: 'At last.' })).toBe('settled');
      expect(await sessionOf(turn)).toMatchObject({
        turns: [{ answer: { status: 'completed', response: 'At last.' } }],
      });
    });

    test('of many answers at once, one is written down', async () => {
      const turn = await ask();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, i) => settle(turn, { response: `Answer ${i}` })),
      );
      const settled = outcomes.filter((outcome) => outcome === 'settled').length;
      expect(missesRaces ? [0, 1] : [1]).toContain(settled);
      expect(outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(10 - settled);
      expect(await sessionOf(turn)).toMatchObject({
        turns: [{ answer: { response: expect.stringMatching(/^Answer \d$/) } }],
      });
      const shown = (await sessionOf(turn))!.turns[0];
      expect((await store.history(turn.userId, { limit: 5 })).turns).toEqual([shown]);
    });

    test('outcomes are in the order of the responses', async () => {
      const [first, second] = [await ask(), await ask()];
      await store.erase(second.sessionId, second.userId);
      const responses = [responseTo(newTurn()), responseTo(first), responseTo(first), responseTo(second)];
      expect(await store.settle(responses)).toEqual(['unknown', 'settled', 'duplicate', 'erased']);
      expect(await store.settle([])).toEqual([]);
    });

    test('an answer for another user, or to a question nobody asked, is not written', async () => {
      const turn = await ask();
      expect(await settle({ ...turn, userId: 'somebody' })).toBe('unknown');
      expect(await settle({ ...turn, requestId: randomUUID() })).toBe('unknown');
      expect(await sessionOf(turn)).toMatchObject({ turns: [{ answer: null }] });
    });

    test('another user’s session looks as if it did not exist', async () => {
      const turn = await ask();
      const foreign = newTurn({ sessionId: turn.sessionId });
      expect(await sessionOf(foreign)).toBeUndefined();
      expect(await store.begin(foreign, { newSession: false })).toBe('not_found');
      expect(await store.unsettled(turn.sessionId, foreign.userId)).toBeUndefined();
      expect(await store.sessionOf(turn.requestId, foreign.userId)).toBeUndefined();
      expect(await store.erase(turn.sessionId, foreign.userId)).toBeUndefined();
      expect(await sessionOf(turn)).toMatchObject({ turns: [{ requestId: turn.requestId }] });
    });

    test('a conversation that is not there cannot be continued', async () => {
      const turn = newTurn();
      expect(await store.begin(turn, { newSession: false })).toBe('not_found');
    });

    test('turns are given in the order in which they were asked, also within one millisecond', async () => {
      const createdAt = new Date().toISOString();
      const first = await ask({ createdAt, requestId: `z-${randomUUID()}` });
      const { sessionId, userId } = first;
      const requestIds = [first.requestId];
      for (let i = 0; i < 200; i++) {
        const requestId = randomUUID();
        requestIds.push(requestId);
        await ask({ createdAt, sessionId, userId, requestId }, { newSession: false });
      }
      for (const limit of [1, 7, 100]) expect(await allTurns(first, limit)).toEqual(requestIds);
    });

    test('a page of a session has its newest turns, no more than fit, and says how to go on', async () => {
      const first = await ask({ message: 'x'.repeat(3_000) });
      const { sessionId, userId } = first;
      const requestIds = [first.requestId];
      for (let i = 0; i < 5; i++) {
        const turn = await ask({ sessionId, userId, message: 'x'.repeat(3_000) }, { newSession: false });
        requestIds.push(turn.requestId);
      }
      const newest = await pageOf(first, { limit: 4 });
      expect(newest!.turns.map(({ requestId }) => requestId)).toEqual(requestIds.slice(2));
      expect((await pageOf(first, { limit: 10, maxBytes: 8_500 }))!.turns).toHaveLength(2);
      expect((await pageOf(first, { limit: 10, maxBytes: 1 }))!.turns).toHaveLength(1);
      expect(await allTurns(first, 10, 8_500)).toEqual(requestIds);
      expect((await pageOf(first, { limit: 6 }))!.nextCursor).toBeNull();
    });

    test('an older page stays the same while new questions come, and the session says how the latest one stands', async () => {
      const first = await ask();
      const { sessionId, userId } = first;
      await settle(first);
      const requestIds = [first.requestId];
      for (let i = 0; i < 3; i++) requestIds.push((await ask({ sessionId, userId }, { newSession: false })).requestId);
      const { nextCursor } = (await pageOf(first, { limit: 2 }))!;
      const latest = await ask({ sessionId, userId }, { newSession: false });
      const older = await pageOf(first, { limit: 2, cursor: nextCursor! });
      expect(older!.turns.map(({ requestId }) => requestId)).toEqual(requestIds.slice(0, 2));
      expect(older).toMatchObject({ latest: { requestId: latest.requestId, answer: null } });
    });

    test('a session says how its latest turn stands', async () => {
      const first = await ask({ createdAt: '2026-01-01T00:00:00.000Z' });
      const { sessionId, userId } = first;
      await settle(first, { response: 'One.' });
      const second = await ask({ sessionId, userId, createdAt: '2026-01-01T00:00:01.000Z' }, { newSession: false });
      expect(await sessionOf(first)).toMatchObject({ latest: { requestId: second.requestId, answer: null } });
      await settle(second, failed);
      expect(await sessionOf(first)).toMatchObject({ latest: { requestId: second.requestId, answer: failed } });
    });

    test('a session that is as long as it may be takes no more', async () => {
      const first = await ask();
      const { sessionId, userId } = first;
      for (let i = 1; i < limits.sessionTurns; i++) await ask({ sessionId, userId }, { newSession: false });
      expect(await store.begin(newTurn({ sessionId, userId }), { newSession: false })).toBe('full');
    });

    test('questions that were refused do not count, and the oldest of very many make room', async () => {
      const first = await ask();
      const { sessionId, userId } = first;
      const refused: NewTurn[] = [];
      for (let i = 0; i < 2 * limits.sessionTurns; i++) {
        const turn = newTurn({ sessionId, userId });
        expect(await store.begin(turn, { newSession: false })).toBe('begun');
        refused.push(turn);
      }
      const last = await ask({ sessionId, userId }, { newSession: false });
      expect((await sessionOf(first))!.turns.map(({ requestId }) => requestId)).toEqual([
        first.requestId,
        last.requestId,
      ]);
      expect(await settle(refused[0]!)).toBe('unknown');
      expect(await settle(refused.at(-1)!)).toBe('settled');
      expect((await store.erase(sessionId, userId))!.requestIds).toHaveLength(2 * limits.sessionTurns);
    });

    test('a session id in use is refused, whoever owns it, unless its first question was refused', async () => {
      const turn = newTurn();
      expect(await store.begin(turn, { newSession: true })).toBe('begun');
      const { sessionId, userId } = turn;
      const again = newTurn({ sessionId, userId });
      expect(await store.begin(again, { newSession: true })).toBe('begun');
      await store.confirm(sessionId, again.requestId, { hurry: true });
      expect(await store.begin(newTurn({ sessionId, userId }), { newSession: true })).toBe('taken');
      expect(await store.begin(newTurn({ sessionId }), { newSession: true })).toBe('taken');
      await store.erase(sessionId, userId);
      expect(await store.begin(newTurn({ sessionId, userId }), { newSession: true })).toBe('taken');
    });

    test('the turns that have not ended are found without the others, also those that nobody sees yet', async () => {
      const first = await ask();
      const { sessionId, userId } = first;
      await settle(first);
      const queued = await ask({ sessionId, userId }, { newSession: false });
      const accepting = newTurn({ sessionId, userId });
      await store.begin(accepting, { newSession: false });
      const found = await store.unsettled(sessionId, userId);
      expect(found).toHaveLength(2);
      expect(found).toEqual(
        expect.arrayContaining(
          [queued, accepting].map(({ requestId, createdAt }) => ({ requestId, createdAt, stream: false })),
        ),
      );
      expect(await store.sessionOf(queued.requestId, userId)).toBe(sessionId);
      expect(await store.sessionOf(randomUUID(), userId)).toBeUndefined();
    });

    test('a turn is overdue after its deadline, until it has ended', async () => {
      const due = { dueInMs: -60_000 };
      const [queued, ended, refused] = [await ask({ ...due, traceId: 'a-trace' }), await ask(due), newTurn(due)];
      await store.begin(refused, { newSession: true });
      await settle(ended);
      const address = ({ sessionId, requestId, userId, createdAt, traceId = '' }: NewTurn) => ({
        sessionId,
        requestId,
        userId,
        createdAt,
        traceId,
      });
      const overdue = async (forMs: number) => await store.overdue(forMs, 100);
      expect(await overdue(90_000)).toEqual([]);
      const found = await overdue(60_000);
      expect(found).toHaveLength(2);
      expect(found).toEqual(
        expect.arrayContaining([
          { ...address(queued), state: 'queued', stream: false },
          { ...address(refused), state: 'accepting', stream: false },
        ]),
      );
      await store.postpone(found, -30_000);
      expect(await overdue(60_000)).toEqual([]);
      await store.discard(refused);
      await store.discard(queued);
      expect(await settle(refused)).toBe('unknown');
      expect(await overdue(30_000)).toEqual([]);
      expect(await sessionOf(queued)).toMatchObject({ turns: [{ answer: null }] });
      // The turn is gone, but its entry is still there.
      await store.postpone([queued], -60_000);
      expect(await overdue(60_000)).toEqual([]);
    });

    test('whether a turn is overdue does not depend on the clock of the process that asks', async () => {
      const [late, early] = [await ask({ dueInMs: -1 }), await ask({ dueInMs: 900_000 })];
      const now = Date.now();
      for (const skewMs of [-3_600_000, 3_600_000]) {
        const clock = jest.spyOn(Date, 'now').mockReturnValue(now + skewMs);
        const overdue = (await store.overdue(0, 1_000)).map(({ requestId }) => requestId);
        clock.mockRestore();
        expect(overdue).toContain(late.requestId);
        expect(overdue).not.toContain(early.requestId);
      }
      await store.close([late]);
    });

    test('an erasure that stopped half way is listed, and repeating it returns again what is left', async () => {
      const first = await ask();
      const { sessionId, userId } = first;
      await settle(first, { answerKey: 'one' });
      const second = await ask({ sessionId, userId }, { newSession: false });
      const accepting = newTurn({ sessionId, userId });
      await store.begin(accepting, { newSession: false });
      const remains = await store.erase(sessionId, userId);
      expect(new Set(remains!.requestIds)).toEqual(new Set([first.requestId, second.requestId, accepting.requestId]));
      expect(remains!.answerKeys).toEqual(['one']);
      expect(await sessionOf(first)).toBeUndefined();
      expect(await store.unfinishedErasures(Date.now(), 100)).toContainEqual({ sessionId, userId });
      expect(await store.erase(sessionId, randomUUID())).toBeUndefined();
      expect(await store.erase(sessionId, userId)).toEqual(remains);
      await store.markErased(sessionId, userId, remains!);
      expect(await store.unfinishedErasures(Date.now(), 100)).not.toContainEqual({ sessionId, userId });
      expect(await store.erase(sessionId, userId)).toBeUndefined();
      expect(await settle(first)).toBe('erased');
    });

    test('an answer that comes after its session was erased opens the erasure again, for what its worker has kept', async () => {
      const turn = await ask();
      const { sessionId, userId, requestId } = turn;
      await store.markErased(sessionId, userId, (await store.erase(sessionId, userId))!);
      expect(await settle(turn, { answerKey: 'late' })).toBe('erased');
      expect(await store.unfinishedErasures(Date.now(), 100)).toContainEqual({ sessionId, userId });
      expect(await store.erase(sessionId, randomUUID())).toBeUndefined();
      const remains = await store.erase(sessionId, userId);
      expect(remains).toMatchObject({ requestIds: [requestId], answerKeys: ['late'] });

      // One more answer comes while the first is erased.
      await settle(turn, { answerKey: 'later' });
      await store.markErased(sessionId, userId, remains!);
      expect(await store.unfinishedErasures(Date.now(), 100)).toContainEqual({ sessionId, userId });
      const rest = await store.erase(sessionId, userId);
      expect(rest!.answerKeys).toEqual(['late', 'later']);
      await store.markErased(sessionId, userId, rest!);
      expect(await store.unfinishedErasures(Date.now(), 100)).not.toContainEqual({ sessionId, userId });
      expect(await sessionOf(turn)).toBeUndefined();
    });

    test('history is given newest first, page by page, each turn once, also within one millisecond', async () => {
      const userId = randomUUID();
      const asked: NewTurn[] = [];
      for (let i = 0; i < 12; i++) {
        asked.push(await ask({ userId, createdAt: new Date(1_767_225_600_000 + Math.floor(i / 4)).toISOString() }));
      }
      const seen: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await store.history(userId, { limit: 5, cursor: cursor ?? undefined });
        expect(page.turns.length).toBeLessThanOrEqual(5);
        seen.push(...page.turns.map(({ requestId }) => requestId));
        cursor = page.nextCursor;
      } while (cursor);
      expect(seen).toHaveLength(12);
      expect(new Set(seen)).toEqual(new Set(asked.map(({ requestId }) => requestId)));
      const times = seen.map((id) => asked.find(({ requestId }) => requestId === id)!.createdAt);
      expect(times).toEqual(times.toSorted().reverse());
    });

    test('a page of history ends early where its turns are very long, and says how to go on', async () => {
      const userId = randomUUID();
      for (let i = 0; i < 30; i++) await ask({ userId, message: 'x'.repeat(100_000) });
      const seen: number[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await store.history(userId, { limit: 100, cursor: cursor ?? undefined });
        seen.push(page.turns.length);
        cursor = page.nextCursor;
      } while (cursor);
      expect(seen).toEqual([10, 10, 10]);
    });

    test('a page of history is stable while new questions come and old ones go', async () => {
      const userId = randomUUID();
      const turns: NewTurn[] = [];
      for (let i = 0; i < 6; i++) {
        turns.push(await ask({ userId, createdAt: new Date(1_767_225_600_000 + i).toISOString() }));
      }
      const first = await store.history(userId, { limit: 2 });
      await ask({ userId, createdAt: new Date(1_767_225_700_000).toISOString() });
      await store.erase(turns[2]!.sessionId, userId);
      const second = await store.history(userId, { limit: 3, cursor: first.nextCursor! });
      const ids = second.turns.map(({ requestId }) => requestId);
      expect(ids).toEqual([turns[3]!, turns[1]!, turns[0]!].map(({ requestId }) => requestId));
    });

    test('an unreadable cursor is refused', async () => {
      const turn = await ask();
      for (const cursor of ['nonsense', 'bnVsbA', Buffer.from('[1,2]').toString('base64url')]) {
        await expect(store.history(turn.userId, { limit: 5, cursor })).rejects.toThrow(UnreadableCursor);
        await expect(pageOf(turn, { limit: 5, cursor })).rejects.toThrow(UnreadableCursor);
      }
    });

    test('an erased session is gone, and neither a late answer nor a repeated question brings it back', async () => {
      const first = await ask();
      const { sessionId, userId } = first;
      const second = await ask({ sessionId, userId }, { newSession: false });
      const erased = await store.erase(sessionId, userId);
      expect(new Set(erased!.requestIds)).toEqual(new Set([first.requestId, second.requestId]));
      expect(await sessionOf(first)).toBeUndefined();
      expect((await store.history(userId, { limit: 10 })).turns).toEqual([]);
      expect(await settle(first)).toBe('erased');
      await store.confirm(sessionId, second.requestId, { hurry: true });
      expect(await sessionOf(first)).toBeUndefined();
      await store.markErased(sessionId, userId, (await store.erase(sessionId, userId))!);
      expect(await store.erase(sessionId, userId)).toBeUndefined();
    });

    test('ids may hold any characters', async () => {
      const odd = [':', 'a:q', '{x}', '/', '"', '\\', 'ü\u{1f600}', 'x'.repeat(limits.idChars), ' ', '*'];
      for (const id of odd) {
        const turn = await ask({ sessionId: `s${id}`, userId: `u${id}`, requestId: id });
        expect(await settle(turn, { response: id })).toBe('settled');
        expect(await sessionOf(turn)).toMatchObject({ turns: [{ requestId: id, answer: { response: id } }] });
        expect((await store.history(turn.userId, { limit: 5 })).turns).toMatchObject([{ requestId: id }]);
      }
    });
  });
}

const failed = {
  status: 'failed',
  response: null,
  model: null,
  provider: null,
  usage: null,
  finishReason: null,
  error: { code: 'model_unavailable', message: 'Down.', retryable: true },
} as const satisfies Partial<ChatResponse>;

const cancelled = { ...failed, status: 'cancelled', error: null } as const satisfies Partial<ChatResponse>;

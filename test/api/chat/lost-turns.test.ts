import { expect, jest, test } from '@jest/globals';
import type { ConversationStore, OverdueTurn } from '../../../src/adapters/conversations/conversation-store.ts';
import type { PlaceInLine } from '../../../src/adapters/jobs/place-in-line.ts';
import { createLostTurns } from '../../../src/api/chat/lost-turns.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { captureLog } from '../../captured-log.ts';
import { until } from '../../until.ts';

const turn = (fields: Partial<OverdueTurn> = {}): OverdueTurn => ({
  ...{ sessionId: 's', requestId: crypto.randomUUID(), userId: 'u', state: 'queued', stream: true },
  createdAt: new Date(Date.now() - 60_000).toISOString(),
  traceId: '',
  ...fields,
});

/** Turns that are overdue, and what is done with them. A turn that is postponed is overdue again at once. */
function sweeperOf(
  turns: OverdueTurn[],
  place: () => PlaceInLine['kind'],
  messages: () => number | undefined = () => 0,
) {
  const settled: string[] = [];
  const discarded: string[] = [];
  const ended: [requestId: string, type: string][] = [];
  const log = captureLog();
  const postponed = jest.fn<ConversationStore['postpone']>(async () => {});
  const open = () => turns.filter(({ requestId }) => !settled.includes(requestId) && !discarded.includes(requestId));
  const look = createLostTurns({
    conversations: {
      overdue: async () => open(),
      postpone: postponed,
      close: async () => {},
      discard: async ({ requestId }) => void discarded.push(requestId),
      settle: async (responses) =>
        responses.map(({ requestId }) => {
          settled.push(requestId);
          return 'settled' as const;
        }),
    },
    logs: {
      end: async (logs, { type }) => {
        for (const { requestId } of logs) ended.push([requestId, type]);
        return new Map();
      },
    },
    placesOf: async (requestIds) => requestIds.map(() => ({ kind: place(), attemptsMade: 0 }) as PlaceInLine),
    queueDepths: async () => {
      const waiting = messages();
      return waiting === undefined ? undefined : { [REQUESTS_QUEUE]: waiting, [RESPONSES_QUEUE]: 0 };
    },
    requestDeadlineMs: 1_000,
    graceMs: 50,
    answerWaiter: { settled: () => {} },
    onLost: () => {},
    logger: log.logger,
  });
  return { look, settled, discarded, ended, postponed, log };
}

test('a turn without a job or a message ends at the second look, and so does its log if it has one; if its user never saw it, it is removed', async () => {
  const unstreamed = turn({ stream: false });
  const [lost, refused] = [turn({ traceId: 'a-trace' }), turn({ state: 'accepting' })];
  const { look, settled, discarded, ended, log } = sweeperOf([lost, unstreamed, refused], () => 'none');
  await look();
  expect([...settled, ...discarded]).toEqual([]);
  await until('they end', async () => {
    await look();
    return settled.length + discarded.length === 3;
  });
  expect(settled).toEqual([lost.requestId, unstreamed.requestId]);
  expect(discarded).toEqual([refused.requestId]);
  expect(ended).toEqual([[lost.requestId, 'failed']]);
  const { requestId, sessionId } = lost;
  expect(log.said('a question was lost')).toMatchObject([
    { requestId, sessionId, traceId: 'a-trace' },
    { requestId: unstreamed.requestId },
  ]);
});

test('a turn whose message was just in somebody’s hands, in no queue and no job as yet, is not lost', async () => {
  let looks = 0;
  const { look, settled, postponed } = sweeperOf([turn()], () => (looks++ % 2 === 0 ? 'none' : 'active'));
  for (let i = 0; i < 6; i++) {
    await look();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect(settled).toEqual([]);
  expect(postponed).toHaveBeenCalled();
});

test.each([
  ['a job', 'waiting', 0],
  ['a message in a queue', 'none', 1],
  ['a broker that is out of reach', 'none', undefined],
] as const)('a turn with %s is left alone', async (_, place, messages) => {
  const { look, settled } = sweeperOf(
    [turn()],
    () => place,
    () => messages,
  );
  for (let i = 0; i < 3; i++) {
    await look();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect(settled).toEqual([]);
});

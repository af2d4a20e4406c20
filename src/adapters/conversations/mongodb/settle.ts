import type { ChatResponse } from '../../../contracts/chat-response.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import { orStoreUnavailable } from '../../mongodb/or-store-unavailable.ts';
import { orStoreUnavailable as orRedisUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ConversationStore, SettleOutcome } from '../conversation-store.ts';
import { leaveLiveLists } from '../redis-scripts/leave-live-lists.ts';
import { restSession } from '../redis-scripts/rest-session.ts';
import { type KeptTitle, keptMessageOf, keptTitleOf, openAnswer, sealAnswer } from '../sealed-texts.ts';
import type { StoredHead } from '../stored-session.ts';
import { readQuestion } from '../stored-turn.ts';
import { type Conversations, type TurnDocument, turnIdOf } from './documents.ts';
import { type EndedTurn, type Kept, keepTurns } from './keep-turns.ts';
import type { SessionLoader } from './session-loader.ts';

export interface SettleOptions {
  redis: Redis;
  /** Of the users whose turns are ended. */
  seals: Seals;
  conversations: Conversations;
  /** The conversations in Redis. */
  live: Pick<ConversationStore, 'settle'>;
  loader: SessionLoader;
  /** Writes the title that Redis has to MongoDB. */
  keepTitle: (sessionId: string, written: KeptTitle) => Promise<void>;
  retentionMs: number;
  idleMs: number;
  /** How long a session that had to be loaded stays at least. */
  readMs: number;
}

/** An answer, and the question that it belongs to. */
interface Answered {
  response: ChatResponse;
  /** undefined: Redis does not have the question, or it is another user's. */
  ended: EndedTurn | undefined;
}

/**
 * Ends turns: reads their questions from Redis, writes the whole turns to MongoDB, then ends them in Redis, which tells
 * those who wait. MongoDB decides which end of a turn stays. If we die in between, the answer is delivered again, and all
 * steps are repeated.
 *
 * An erasure first leaves its tombstone in Redis and then deletes in MongoDB. We write to MongoDB first and then look for
 * the tombstone. So either the erasure deletes what we have written, or we do.
 *
 * Five round trips for a batch: four to Redis and one to MongoDB.
 */
export async function settleTurns(
  options: SettleOptions,
  responses: readonly ChatResponse[],
): Promise<SettleOutcome[]> {
  const { seals, conversations, live } = options;
  if (responses.length === 0) return [];
  const answered = await readQuestions(options, responses);
  const ends = answered.flatMap(({ ended }) => ended ?? []);
  const kept = new Map<EndedTurn, Kept>();
  const results = await orStoreUnavailable(keepTurns(conversations, ends));
  for (const [index, end] of ends.entries()) kept.set(end, results[index]!);

  const lost = ends.filter((end) => !kept.get(end)!.written);
  const winners = await readWinners({ seals, conversations }, lost);
  const shown = answered.map(({ response, ended }) => winners.get(ended) ?? response);
  const inRedis = await live.settle(shown);
  await rest(options, ends, kept);

  const outcomes = answered.map(({ response, ended }, index) => {
    const seen = inRedis[index]!;
    if (!ended || seen === 'erased') return seen;
    if (kept.get(ended)!.written) return 'settled';
    // An earlier delivery of the same answer may have written it to MongoDB, and then its process died.
    return seen === 'settled' && isSame(shown[index]!, response) ? 'settled' : 'duplicate';
  });
  await removeErased(options, ends, answered, outcomes);
  return await settleAgain(options, answered, outcomes);
}

async function readQuestions(options: SettleOptions, responses: readonly ChatResponse[]): Promise<Answered[]> {
  const { redis, loader, readMs } = options;
  const first = await readStored(redis, responses);
  // Their sessions have left Redis. These answers come late: a failed question was asked again by an operator.
  const absent = new Set(responses.flatMap(({ sessionId }, index) => (first[index]![0] === null ? sessionId : [])));
  const loaded = await Promise.all([...absent].map((sessionId) => loader.load(sessionId, { ttlMs: readMs })));
  const stored = loaded.includes(true) ? await readStored(redis, responses) : first;
  return responses.map((response, index) => ({ response, ended: endedTurn(options, response, stored[index]!) }));
}

async function readStored(redis: Redis, responses: readonly ChatResponse[]) {
  // These commands are sent together: one round trip.
  const read = responses.map(({ sessionId, requestId }) =>
    Promise.all([redis.get(redisKeys.session(sessionId)), redis.hget(redisKeys.turns(sessionId), `${requestId}:q`)]),
  );
  return await orRedisUnavailable(Promise.all(read));
}

function endedTurn(
  { seals, retentionMs }: SettleOptions,
  response: ChatResponse,
  [session, question]: readonly [session: string | null, question: string | null],
): EndedTurn | undefined {
  if (session === null || question === null) return undefined;
  const { answerKey, ...answer } = response;
  const { sessionId, requestId, userId, status } = answer;
  const head = JSON.parse(session) as StoredHead;
  if (head.userId !== userId) return undefined;
  const asked = readQuestion(question);
  const { createdAt } = asked;
  const turn: TurnDocument = {
    ...{ _id: turnIdOf(response), kind: 'turn', sessionId, requestId, userId },
    number: Number.parseInt(question, 10),
    ...{
      askedAt: Date.parse(createdAt),
      createdAt,
      ...keptMessageOf(asked),
      status,
      answer: sealAnswer(seals, answer),
    },
    ...(answerKey !== undefined && { answerKey }),
    expireAt: new Date(Date.now() + retentionMs),
  };
  return { turn, session: { ...titleOrNull(head), createdAt: head.createdAt } };
}

const titleOrNull = (head: StoredHead): KeptTitle =>
  head.sealed === undefined ? { title: head.title || null } : keptTitleOf(head);

/** For turns that had ended before: the answers that stay. */
async function readWinners(
  { seals, conversations }: Pick<SettleOptions, 'seals' | 'conversations'>,
  lost: readonly EndedTurn[],
) {
  const winners = new Map<EndedTurn | undefined, ChatResponse>();
  if (lost.length === 0) return winners;
  const ids = lost.map(({ turn }) => turn._id);
  const documents = await orStoreUnavailable(conversations.find<TurnDocument>({ _id: { $in: ids } }).toArray());
  const found = new Map(documents.map((document) => [document._id, document]));
  for (const end of lost) {
    const document = found.get(end.turn._id);
    const answer = document && openAnswer(seals, document, document.answer);
    if (!answer) continue;
    const { answerKey } = document;
    winners.set(end, { ...answer, ...(answerKey !== undefined && { answerKey }) });
  }
  return winners;
}

/** What MongoDB has now need not stay in Redis for long. */
async function rest(options: SettleOptions, ends: readonly EndedTurn[], kept: ReadonlyMap<EndedTurn, Kept>) {
  const { redis, idleMs, keepTitle } = options;
  // These commands are sent together: one round trip.
  await Promise.all(
    ends.flatMap(({ turn }) => [restSession(redis, turn.sessionId, idleMs), leaveLiveLists(redis, turn)]),
  );
  // The user may have chosen another title since we read it.
  const fresh = ends.filter((end) => kept.get(end)!.newSession);
  await Promise.all(fresh.map(({ turn, session }) => keepTitle(turn.sessionId, session)));
}

async function removeErased(
  { conversations, loader }: SettleOptions,
  ends: readonly EndedTurn[],
  answered: readonly Answered[],
  outcomes: readonly SettleOutcome[],
) {
  const erased = answered.flatMap(({ response }, index) => (outcomes[index] === 'erased' ? response.sessionId : []));
  if (erased.length > 0) await orStoreUnavailable(conversations.deleteMany({ sessionId: { $in: erased } }));
  await loader.changed([...new Set(ends.map(({ turn }) => turn.sessionId))]);
}

/** Its session came back to Redis after we had looked for the question, so MongoDB does not have this end yet. */
async function settleAgain(
  options: SettleOptions,
  answered: readonly Answered[],
  outcomes: readonly SettleOutcome[],
): Promise<SettleOutcome[]> {
  return await Promise.all(
    outcomes.map(async (outcome, index) => {
      const { response, ended } = answered[index]!;
      return outcome === 'settled' && !ended ? (await settleTurns(options, [response]))[0]! : outcome;
    }),
  );
}

const isSame = (a: ChatResponse, b: ChatResponse) =>
  a.status === b.status && a.completedAt === b.completedAt && a.response === b.response;

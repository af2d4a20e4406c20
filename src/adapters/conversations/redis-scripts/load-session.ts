import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ArchivedSession, ArchivedTurn } from '../history-archive.ts';
import { type KeptTitle, keptMessageOf, keptTitleOf } from '../sealed-texts.ts';

const script = defineScript(import.meta.dirname, 'load-session');

export type LoadOutcome = 'loaded' | 'there' | 'erased' | 'changed';

/** Writes a session to Redis. One round trip. @param turns in the order of their numbers */
export async function loadSession(
  redis: Redis,
  { session, turns }: { session: Omit<ArchivedSession, 'turns' | 'keptUntil'>; turns: readonly ArchivedTurn[] },
  { note, ttlMs }: { note: string; ttlMs: number },
): Promise<LoadOutcome> {
  const { sessionId, userId, createdAt, updatedAt } = session;
  const keys = [
    redisKeys.session(sessionId),
    redisKeys.turns(sessionId),
    redisKeys.erased(sessionId),
    redisKeys.loading(sessionId),
  ];
  const text = JSON.stringify({ sessionId, userId, ...titleOrNone(session), createdAt, updatedAt });
  const index = ['index:n', `${(turns.at(-1)?.number ?? -1) + 1} ${turns.length}`];
  return (await script(redis, keys, [note, text, ttlMs, ...index, ...turns.flatMap(fieldsOf)])) as LoadOutcome;
}

/** A session without a title keeps an empty one, so that none is made. */
const titleOrNone = (session: KeptTitle) => (session.sealed ? keptTitleOf(session) : { title: session.title ?? '' });

/** The fields of a turn that has ended: see `redisKeys.turns`. */
function fieldsOf(turn: ArchivedTurn): string[] {
  const { requestId, number, createdAt, response, feedback } = turn;
  const { answerKey, ...answer } = response;
  return [
    ...[`${number}:n`, requestId],
    ...[`${requestId}:q`, `${number} ${JSON.stringify({ ...keptMessageOf(turn), createdAt })}`],
    ...[`${requestId}:a`, JSON.stringify(answer)],
    ...(answerKey === undefined ? [] : [`${requestId}:k`, answerKey]),
    ...(feedback === null ? [] : [`${requestId}:f`, JSON.stringify(feedback)]),
  ];
}

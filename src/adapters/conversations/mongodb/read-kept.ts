import type { TextSeals } from '../../../contracts/sealing.ts';
import { eachOrStoreUnavailable } from '../../mongodb/or-store-unavailable.ts';
import type { KeptConversations, KeptSession } from '../conversation-store.ts';
import { placeOf, withoutFeedback } from '../read-kept.ts';
import { openFeedback } from '../sealed-texts.ts';
import { type Conversations, type SessionDocument, sessionOf, type TurnDocument, turnOf } from './documents.ts';

/** How many documents, with their texts, are in memory at a time. */
const READ_TOGETHER = 100;

/**
 * Gives what MongoDB keeps of a user, also what has expired and was not removed yet. One round trip for each 100 documents.
 * @param options.live gives what Redis has: the open turns, and the sessions in use
 */
export function readKept(
  { conversations, seals, live }: { conversations: Conversations; seals: TextSeals; live: KeptConversations },
  userId: string,
): KeptConversations {
  const turnsWith = (more: object, projection?: Record<string, 1>) =>
    eachOrStoreUnavailable(
      conversations.find<TurnDocument>(
        { userId, kind: 'turn', ...more },
        { batchSize: READ_TOGETHER, ...(projection && { projection }) },
      ),
    );

  async function* sessions(): AsyncGenerator<KeptSession> {
    const given = new Set<string>();
    for await (const session of live.sessions()) {
      given.add(session.sessionId);
      yield session;
    }
    const found = conversations.find<SessionDocument>({ userId, kind: 'session' }, { batchSize: READ_TOGETHER });
    for await (const document of eachOrStoreUnavailable(found)) {
      if (given.has(document.sessionId)) continue;
      yield { ...sessionOf(await seals.forOpening([userId]), document), visible: true };
    }
  }

  async function* turns() {
    yield* live.turns();
    for await (const document of turnsWith({})) {
      const turn = turnOf(await seals.forOpening([userId]), document);
      if (turn) yield { ...withoutFeedback(turn), visible: true };
    }
  }

  async function* feedback() {
    for await (const document of turnsWith({ ratedAt: { $exists: true } })) {
      const own = await seals.forOpening([userId]);
      const given = document.feedback && openFeedback(own, document, document.feedback);
      if (given) yield { ...placeOf(document), ...given };
    }
  }

  async function* traces() {
    yield* live.traces();
    for await (const turn of turnsWith({}, { sessionId: 1, requestId: 1, answerKey: 1 })) {
      const { sessionId, requestId, answerKey } = turn;
      yield { sessionId, requestIds: [requestId], answerKeys: answerKey === undefined ? [] : [answerKey] };
    }
  }

  return { ...live, sessions, turns, feedback, traces };
}

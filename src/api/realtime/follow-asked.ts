import type { AnswerLogReader } from '../../adapters/answer-log/answer-log.ts';
import type { Accepted } from '../../contracts/http/chat-bodies.ts';
import type { Watch } from '../chat/answer-waiter.ts';
import type { AskedQuestion } from '../chat/ask-question.ts';
import { type AnswerReader, followAnswer } from './follow-answer.ts';

/**
 * Tells a reader that its question was accepted, and then the events of the answer until its end.
 * @param watch of the question's end, since before it was asked
 * @param onAccepted tells the reader
 */
export async function followAsked(
  logs: Pick<AnswerLogReader, 'read'>,
  reader: AnswerReader,
  {
    asked,
    watch,
    onAccepted,
  }: { asked: AskedQuestion; watch: Watch; onAccepted: (accepted: Accepted) => Promise<void> },
): Promise<void> {
  const { sessionId, requestId, userId, turn, readTurn } = asked;
  // Whoever resumes at another api at once must find the question there.
  await asked.shown;
  const standing = await asked.standing(turn, false);
  reader.begin();
  await onAccepted({ sessionId, requestId, ...standing });
  await followAnswer(logs, reader, { requestId, userId, after: -1, watch, answer: turn?.answer, readTurn });
}

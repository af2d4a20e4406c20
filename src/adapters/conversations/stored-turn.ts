import type { ChatResponse } from '../../contracts/chat-response.ts';
import { answerOf, type Turn } from '../../contracts/conversation.ts';

/** The fields of a turn in the session's hash: the question, and the turn's state until there is an answer. */
export interface StoredTurn {
  requestId: string;
  question: string | null | undefined;
  state: string | null | undefined;
  answer: string | null | undefined;
}

/** The turn as its user sees it; undefined while the user is not to see it. */
export function visibleTurn(sessionId: string, { requestId, question, state, answer }: StoredTurn): Turn | undefined {
  if (!question || (!answer && state !== 'queued')) return undefined;
  const { message, createdAt } = readQuestion(question);
  return {
    sessionId,
    requestId,
    message,
    createdAt,
    answer: answer ? answerOf(JSON.parse(answer) as ChatResponse) : null,
  };
}

/** When a stored question was asked, ISO 8601. */
export const createdAtOf = (question: string): string => readQuestion(question).createdAt;

/** @param question the turn's number, and JSON */
const readQuestion = (question: string) =>
  JSON.parse(question.slice(question.indexOf(' '))) as { message: string; createdAt: string };

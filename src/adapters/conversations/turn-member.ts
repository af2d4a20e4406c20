import type { TurnAddress } from '../../contracts/conversation.ts';

/** Returns a turn as a member of a sorted set of all users: a JSON list, because an id may contain any character. */
export const memberOf = ({ sessionId, requestId, userId }: TurnAddress) =>
  JSON.stringify([sessionId, requestId, userId]);

export function addressOf(member: string): TurnAddress {
  const [sessionId, requestId, userId] = JSON.parse(member) as [string, string, string];
  return { sessionId, requestId, userId };
}

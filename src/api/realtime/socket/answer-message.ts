import type { RateLimit } from '../../../adapters/rate-limits/rate-limit.ts';
import type { Accepted } from '../../../contracts/http/chat-bodies.ts';
import type { ClientMessage } from '../../../contracts/http/socket-messages.ts';
import type { TraceHeaders } from '../../../contracts/traceparent.ts';
import { type AnswerWaiter, LONGEST_WAIT_MS } from '../../chat/answer-waiter.ts';
import { type AskOptions, askQuestion, mustBeAllowed, nameQuestion } from '../../chat/ask-question.ts';
import { turnWithSession } from '../../chat/bodies.ts';
import { type CancelOptions, stopRequest } from '../../chat/cancel.ts';
import { mustBeWithin } from '../../rate-limit.ts';
import { followAsked } from '../follow-asked.ts';
import { type FollowOptions, followRequest, followSession } from '../follow-question.ts';
import type { Subscription, Subscriptions } from './answer-subscriptions.ts';
import type { Outbox } from './outbox.ts';

export type AnswerOptions = Omit<AskOptions & FollowOptions & CancelOptions, 'answerWaiter'> & {
  answerWaiter: AnswerWaiter;
  /** How often a user may ask, and do everything else. */
  sendLimit: RateLimit;
  readLimit: RateLimit;
};

/** Where a message came from. */
export interface From {
  userId: string;
  tenantId?: string | undefined;
  outbox: Outbox;
  subscriptions: Subscriptions;
  trace: TraceHeaders;
  /** Call it once the message was replied to, if more comes after that. */
  onReplied: () => void;
}

type Message<T extends ClientMessage['type']> = Extract<ClientMessage, { type: T }>;

/**
 * Does what a message of a user asks for, as the API does it over HTTP. If the message subscribes to an answer, this resolves
 * at the end of the subscription.
 * @throws ApiError, and the errors of the stores and of the broker
 */
export async function answerMessage(
  options: AnswerOptions,
  message: Exclude<ClientMessage, { type: 'authenticate' }>,
  from: From,
): Promise<void> {
  const { userId, outbox, subscriptions } = from;
  switch (message.type) {
    case 'ask':
      return await ask(options, message, from);
    case 'subscribe':
      return await subscribe(options, message, from);
    case 'unsubscribe':
      // The end of the subscription is the reply.
      if (!subscriptions.close(message.id)) await outbox.send({ type: 'ended', id: message.id, complete: false });
      return;
    case 'stop': {
      await mustBeWithin(options.readLimit, userId);
      const turn = await stopRequest(options, { requestId: message.requestId, userId });
      return await outbox.send({ type: 'stopped', id: message.id, turn: turnWithSession(turn) });
    }
    case 'ping':
      return await outbox.send({ type: 'pong', id: message.id ?? null });
  }
}

async function ask(options: AnswerOptions, message: Message<'ask'>, from: From): Promise<void> {
  const { id, question: body, idempotencyKey: key } = message;
  const { userId, tenantId, outbox, subscriptions, trace, onReplied } = from;
  const { answerWaiter, logReader, sendLimit, allowedModels } = options;
  mustBeAllowed(body.model, allowedModels);
  // Whoever has too many streams is told so before the question is accepted. Nothing comes before this that takes time,
  // because a connection that closes ends only those subscriptions that it has.
  const subscription = subscriptions.open(id, userId);
  try {
    await mustBeWithin(sendLimit, userId);
    const question = await nameQuestion(options, { userId, tenantId, body, key });
    const watch = await answerWaiter.watch(question.requestId, LONGEST_WAIT_MS);
    try {
      const asked = await askQuestion(options, question, { stream: true, waits: true, ...trace });
      subscription.gone.addEventListener('abort', () => watch.close());
      if (subscription.gone.aborted) watch.close();
      const onAccepted = async (accepted: Accepted) => {
        await outbox.send({ type: 'accepted', id, ...accepted });
        onReplied();
      };
      await followAsked(logReader, subscription.readerOf(asked.requestId), { asked, watch, onAccepted });
    } finally {
      watch.close();
    }
    await subscription.end();
  } finally {
    subscription.drop();
  }
}

async function subscribe(options: AnswerOptions, message: Message<'subscribe'>, from: From): Promise<void> {
  const { userId, subscriptions, onReplied } = from;
  const subscription = subscriptions.open(message.id, userId);
  onReplied();
  try {
    await mustBeWithin(options.readLimit, userId);
    const any = await followWhatIsNamed(options, message, subscription, userId);
    await subscription.end({ nothingLeft: !any });
  } finally {
    subscription.drop();
  }
}

async function followWhatIsNamed(
  options: AnswerOptions,
  { sessionId, requestId, after }: Message<'subscribe'>,
  subscription: Subscription,
  userId: string,
): Promise<boolean> {
  const follower = {
    userId,
    gone: subscription.gone,
    open: (question: { requestId: string }) => subscription.readerOf(question.requestId),
  };
  if (sessionId === undefined) return await followRequest(options, { requestId: requestId!, after }, follower);
  const position = requestId === undefined ? undefined : { requestId, after };
  return await followSession(options, { sessionId, position }, follower);
}

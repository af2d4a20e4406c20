import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Options } from 'amqplib';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import type { DemoEvent } from './events.ts';
import type { DemoUser } from './users.ts';

/** What was sent, by kind, and what the api refused, by status. */
export interface Counts {
  questions: number;
  byKind: Record<string, number>;
  refused: Record<string, number>;
}

export interface Traffic {
  readonly counts: Counts;
  /** Sends one thing. Never throws: a refusal is counted. */
  send(event: DemoEvent, user: DemoUser): void;
  /** Waits until everything was sent. */
  stop(): Promise<void>;
}

const CANCEL_AFTER_MS = 1_000;
const REPLY_TIMEOUT_MS = 20_000;

/**
 * Sends to a running product, over HTTP and over RabbitMQ.
 * @param options.apiUrl without a slash at its end
 */
export async function openTraffic({ apiUrl, rabbitMqUrl }: { apiUrl: string; rabbitMqUrl: string }): Promise<Traffic> {
  const broker = await connect(rabbitMqUrl);
  const channel = await broker.createConfirmChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.consume(queue, () => {}, { noAck: true });
  const queueFor = { 'own queue': queue, 'missing queue': 'reports-of-yesterday' };
  const counts: Counts = { questions: 0, byKind: {}, refused: {} };
  const underWay = new Set<Promise<void>>();

  async function post(path: string, user: DemoUser, body: unknown) {
    const response = await fetch(apiUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${user.accessToken}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REPLY_TIMEOUT_MS),
    });
    const reply = (await response.json()) as { sessionId: string; requestId: string };
    if (response.ok) return reply;
    count(counts.refused, String(response.status));
    return undefined;
  }

  async function ask(message: string, user: DemoUser, sessionId?: string) {
    const reply = await post('/chat/send', user, { message, ...(sessionId && { sessionId }) });
    if (reply) user.sessionId = reply.sessionId;
    return reply;
  }

  async function handle(event: DemoEvent, user: DemoUser): Promise<void> {
    if (event.kind === 'ask') {
      const sessionId = event.followUp ? user.sessionId : undefined;
      await Promise.all((event.twice ? [1, 2] : [1]).map(() => ask(event.message, user, sessionId)));
    } else if (event.kind === 'cancel') {
      const reply = await ask(event.message, user);
      await sleep(CANCEL_AFTER_MS);
      if (reply) await post(`/chat/requests/${reply.requestId}/cancel`, user, {});
    } else if (event.kind === 'service') {
      const { message, replyTo } = event;
      const body = JSON.stringify({ sessionId: `service-${user.userId}`, userId: user.userId, message });
      publish(body, { appId: 'reports', ...(replyTo !== 'nowhere' && { replyTo: queueFor[replyTo] }) });
    } else publish(event.body, { appId: 'old-mobile-app' });
  }

  const publish = (body: string, properties: Options.Publish) =>
    channel.sendToQueue(REQUESTS_QUEUE, Buffer.from(body), { persistent: true, ...properties });

  return {
    counts,
    send: (event, user) => {
      count(counts.byKind, event.kind === 'ask' ? event.what : event.kind);
      if (event.kind !== 'garbage') counts.questions += 1;
      const handled = handle(event, user).catch(() => count(counts.refused, 'no reply'));
      underWay.add(handled);
      void handled.finally(() => underWay.delete(handled));
    },
    stop: async () => {
      await Promise.all(underWay);
      await channel.waitForConfirms();
      await broker.close();
    },
  };
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

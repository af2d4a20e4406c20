import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AnswerLogReader } from '../../../src/adapters/answer-log/answer-log.ts';
import { createRedisLogKeeper } from '../../../src/adapters/answer-log/redis-log-keeper.ts';
import { createRedisLogReader } from '../../../src/adapters/answer-log/redis-log-reader.ts';
import { createRedisLogWriter } from '../../../src/adapters/answer-log/redis-log-writer.ts';
import { createRedisConversationStore } from '../../../src/adapters/conversations/redis-conversation-store.ts';
import { createChatClient } from '../../../src/client/chat-client.ts';
import type { NumberedEvent } from '../../../src/contracts/answer-events.ts';
import { isEnd } from '../../../src/contracts/answer-text.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { describeAnswerLog, type LogDoor } from '../../adapters/answer-log/answer-log-contract.ts';
import { describeFollowedLog } from '../../adapters/answer-log/followed-log-contract.ts';
import { responseTo } from '../../adapters/conversations/response-to.ts';
import { signUp, type TestUser } from '../../api-client.ts';
import { startApi, type TestProcess } from '../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';
import { readEvents } from './event-reader.ts';
import { openSocket } from './socket/socket-client.ts';

const TTL_MS = 3_600_000;
let apis: TestProcess[];
let ann: TestUser;
let redis: Redis;
let subscriber: Redis;
let logs: AnswerLogReader;
/** Each question is asked in a session of its own. */
const sessionIds = new Map<string, Promise<string>>();

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
  };
  redis = new Redis(env.REDIS_URL);
  subscriber = new Redis(env.REDIS_URL, { autoResubscribe: false });
  logs = createRedisLogReader({ redis, subscriber, seals: plainTexts });
  apis = await Promise.all([startApi(env), startApi(env)]);
  ann = await signUp(apis[0]!.url);
});
afterAll(() => {
  redis?.disconnect();
  subscriber?.disconnect();
});

/** Writes the question down, as an api does that accepts it. Its turn ends once its log has ended. */
function asked(requestId: string): Promise<string> {
  const before = sessionIds.get(requestId);
  if (before) return before;
  const sessionId = randomUUID();
  const conversations = createRedisConversationStore({
    seals: plainTexts,
    redis,
    retentionMs: TTL_MS,
    replica: 'test',
  });
  const { userId } = ann;
  const turn = { sessionId, userId, requestId, message: 'How?', createdAt: new Date().toISOString() };
  const writing = conversations
    .begin({ ...turn, dueInMs: TTL_MS }, { newSession: true })
    .then(() => conversations.confirm(sessionId, requestId, { hurry: true }))
    .then(() => sessionId);
  const settle = async () => {
    await writing;
    for await (const events of logs.read({ requestId, userId }, -1, { hasEnded: false })) {
      if (!events.some(({ event }) => isEnd(event))) continue;
      await conversations.settle([responseTo(turn)]);
    }
  };
  settle().catch(() => {});
  sessionIds.set(requestId, writing);
  return writing;
}

let readers = 0;
/** The readers are spread over the apis. */
const nextApi = () => apis[readers++ % apis.length]!.url;

/** A way to read that begins once the question was asked. */
const door = (open: (requestId: string, after: number) => AsyncIterable<NumberedEvent>) => async () => ({
  writer: createRedisLogWriter({ redis, seals: plainTexts, ttlMs: TTL_MS }),
  keeper: createRedisLogKeeper({ redis, seals: plainTexts, ttlMs: TTL_MS }),
  openReader: async function* (requestId: string, after: number) {
    await asked(requestId);
    yield* open(requestId, after);
  },
});

async function* numbered(path: string, headers: Record<string, string>): AsyncGenerator<NumberedEvent, void> {
  const closed = new AbortController();
  try {
    const response = await fetch(nextApi() + path, {
      headers: { Authorization: `Bearer ${ann.accessToken}`, ...headers },
      signal: AbortSignal.any([closed.signal, AbortSignal.timeout(20_000)]),
    });
    for await (const { number, event } of readEvents(response)) yield { number, event };
  } finally {
    closed.abort();
  }
}

function describeLogs(name: string, open: () => Promise<LogDoor>): void {
  describeAnswerLog(name, open);
  describeFollowedLog(`read as ${name}`, open);
}

describeLogs(
  'a question’s events over SSE',
  door((requestId, after) => {
    const headers: Record<string, string> = after < 0 ? {} : { 'Last-Event-ID': String(after) };
    return numbered(`/chat/requests/${encodeURIComponent(requestId)}/events`, headers);
  }),
);

describeLogs(
  'a session’s events over SSE',
  door(async function* (requestId, after) {
    const sessionId = await asked(requestId);
    yield* numbered(`/chat/session/${sessionId}/events?after=${encodeURIComponent(`${requestId}:${after}`)}`, {});
  }),
);

describeLogs(
  'a subscription of a WebSocket',
  door(async function* (requestId, after) {
    const socket = await openSocket(nextApi());
    try {
      await socket.authenticate(ann.accessToken);
      socket.send({ type: 'subscribe', id: 's', requestId, after });
      for (let read = 0; ; ) {
        const events = await until('an event or the end', () => {
          const all = socket.eventsOf('s');
          return all.length > read || socket.messages.some(({ type }) => type === 'ended') ? all : undefined;
        });
        for (const { number, event } of events.slice(read)) yield { number: number!, event };
        if (events.length === read) return;
        read = events.length;
      }
    } finally {
      socket.close();
    }
  }),
);

describeLogs(
  'the client over a WebSocket',
  door((requestId, after) =>
    createChatClient({ baseUrl: nextApi(), token: ann.accessToken, transport: 'websocket' }).events(requestId, {
      after,
    }),
  ),
);

describeLogs(
  'the client over server-sent events',
  door((requestId, after) =>
    createChatClient({ baseUrl: nextApi(), token: ann.accessToken }).events(requestId, { after }),
  ),
);

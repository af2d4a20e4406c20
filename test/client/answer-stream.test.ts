import { afterAll, expect, test } from '@jest/globals';
import {
  type AnswerEvent,
  ChatError,
  type Connection,
  createChatClient,
  type NumberedEvent,
  type StreamOptions,
  textAfter,
} from '../../src/client/chat-client.ts';
import { type Behaviour, startEventServer } from './event-server.ts';

const at = '2026-01-31T12:00:00.000Z';
const ANSWER = 'Esst Gemüse 🥕 – täglich.';
const LOG: AnswerEvent[] = [
  { type: 'queued', at },
  { type: 'started', at, attempt: 1, provider: null, model: null },
  ...Array.from(
    { length: Math.ceil(ANSWER.length / 5) },
    (_, index): AnswerEvent => ({
      type: 'delta',
      text: ANSWER.slice(index * 5, index * 5 + 5),
      offset: index * 5,
    }),
  ),
  {
    type: 'completed',
    at,
    rest: '',
    offset: ANSWER.length,
    model: 'm',
    provider: 'p',
    cached: false,
    usage: null,
    finishReason: 'stop',
    attempts: 1,
    timings: { waitMs: 0, modelMs: 0, totalMs: 0 },
  },
];

const servers: { stop(): Promise<void> }[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function start(behaviours: Behaviour[] = [], log = LOG) {
  const server = await startEventServer(log, behaviours);
  servers.push(server);
  const client = createChatClient({ baseUrl: server.url, token: 'token' });
  return {
    server,
    read: async (options: StreamOptions = {}) => {
      const events: NumberedEvent[] = [];
      for await (const event of client.events('r-1', options)) events.push(event);
      return events;
    },
  };
}

const numbered = LOG.map((event, number) => ({ number, event }));
const textOf = (events: NumberedEvent[]) => events.reduce((text, { event }) => textAfter(text, event), '');

test('every event comes once and in order, however often and wherever the connection is cut', async () => {
  const bytes = Buffer.byteLength(JSON.stringify(LOG)) * 2;
  const cuts = Array.from({ length: 12 }, (_, index) => ({ cutAfter: Math.round((bytes / 14) * (index + 1)) }));
  // Each cut first as a connection of its own, then all of them one after the other.
  const reads = await Promise.all([...cuts.map((cut) => [cut]), cuts.slice(0, 4)].map((each) => start(each)));
  for (const { read, server } of reads) {
    const events = await read();
    expect(events).toEqual(numbered);
    expect(textOf(events)).toBe(ANSWER);
    expect(server.asked.every(({ url }) => url === '/chat/requests/r-1/events')).toBe(true);
  }
});

test('a reader that knows where it was goes on from there', async () => {
  const { read, server } = await start();
  expect(await read({ after: 3 })).toEqual(numbered.slice(4));
  expect(server.asked[0]?.lastEventId).toBe('3');
});

test('a connection that has fallen silent is made again', async () => {
  const { read, server } = await start([{ hang: true }], LOG.slice(0, 4));
  const connections: Connection[] = [];
  const stop = new AbortController();
  const reading = read({
    // Long enough for a busy machine to answer first.
    silenceMs: 1_000,
    signal: stop.signal,
    onConnection: (connection) => {
      connections.push(connection);
      if (server.asked.length > 1) stop.abort(new Error('seen enough'));
    },
  });
  await expect(reading).rejects.toThrow('seen enough');
  expect(connections.map(({ state }) => state)).toEqual(['open', 'waiting', 'open']);
  expect(server.asked[1]?.lastEventId).toBe('3');
});

test('a process that stops decides how long its readers wait', async () => {
  const { read, server } = await start([{ first: 'retry: 700\n\n', cutAfter: 60 }]);
  let announcedMs = 0;
  await read({
    onConnection: (connection) => {
      if (connection.state === 'waiting') announcedMs = connection.retryInMs;
    },
  });
  expect(announcedMs).toBe(700);
  expect(server.asked[1]!.atMs - server.asked[0]!.atMs).toBeGreaterThan(600);
});

test('an api that is away or busy is asked again', async () => {
  const { read, server } = await start([
    { refuse: { status: 503, code: 'stopping' } },
    { refuse: { status: 429, code: 'too_many_streams', retryAfter: '0.3' } },
  ]);
  expect(await read()).toEqual(numbered);
  expect(server.asked.length).toBe(3);
});

test('an api that refuses for good is not asked again', async () => {
  const { read, server } = await start([{ refuse: { status: 404, code: 'not_found' } }]);
  const error = await read().catch((reason: ChatError) => reason);
  expect(error).toBeInstanceOf(ChatError);
  expect(error).toMatchObject({ code: 'not_found', status: 404, retryable: false });
  expect(server.asked.length).toBe(1);
});

test('if a part of the log was lost, the text begins again', async () => {
  const { read, server } = await start([{ first: 'event: cut_off\ndata: {"reason":"log_lost"}\n\n' }]);
  const events = await read({ after: 3 });
  expect(events[0]).toMatchObject({ number: 3, event: { type: 'restarted' } });
  expect(events.slice(1)).toEqual(numbered);
  expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual(['3', undefined]);
});

test('an end that comes from no log is given once', async () => {
  const end = `event: cancelled\ndata: ${JSON.stringify({ type: 'cancelled', at, rest: 'Eat', offset: 0, finishReason: 'cancelled' })}\n\n`;
  const { read } = await start([{ first: end }]);
  const events = await read({ after: 5 });
  expect(events.length).toBe(1);
  expect(textOf(events)).toBe('Eat');
});

test('a reader that stops reading closes its connection, and nobody connects again', async () => {
  const { server } = await start([{ hang: true }]);
  const client = createChatClient({ baseUrl: server.url, token: 'token' });
  for await (const { number } of client.events('r-1')) if (number === 2) break;
  expect(server.asked.length).toBe(1);
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signUp, type TestUser } from '../api-client.ts';
import { isFailed, type ReceivedSpan, startOtlpCollector } from '../otlp-collector.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let collector: Awaited<ReturnType<typeof startOtlpCollector>>;
let api: TestProcess;
let user: TestUser;

beforeAll(async () => {
  [simulator, collector] = await Promise.all([startSimulator(), startOtlpCollector()]);
  const env = { ...collector.env, RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  const settings = { MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '10ms', RETRY_MAX: '20ms' };
  [api] = await Promise.all([startApi(env), startWorker({ ...env, ...settings })]);
  user = await signUp(api.url);
});
afterAll(async () => {
  await simulator?.stop();
  await collector?.stop();
});

/** A trace that the caller begins, as a browser or a gateway does. */
function callersTrace() {
  const traceId = randomUUID().replaceAll('-', '');
  return { traceId, headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } };
}

const ask = async (message: string) => {
  const { traceId, headers } = callersTrace();
  const reply = await user.send({ message }, { ...headers, Prefer: 'wait=20' });
  expect(reply).toMatchObject({ status: 200, body: { status: 'completed' } });
  return { traceId, requestId: reply.body.requestId };
};

const named = (spans: ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

/** The names on the way from a span up to the one that the caller named. */
function wayUp(spans: ReceivedSpan[], span: ReceivedSpan | undefined): string[] {
  if (!span) return [];
  return [
    span.name,
    ...wayUp(
      spans,
      spans.find(({ spanId }) => spanId === span.parentSpanId),
    ),
  ];
}

test('a question that failed twice is one trace from the HTTP request to the stored answer, with each attempt', async () => {
  await simulator.behave({ mode: 'error', status: 500, calls: 2 });
  const { traceId, requestId } = await ask(`Is ${randomUUID()} healthy?`);

  // Each of these is the last span that its process ends.
  await Promise.all([collector.trace(traceId, 'POST /chat/send'), collector.trace(traceId, 'consume chat_responses')]);
  const spans = await collector.trace(traceId, 'attempt', 3);
  const [consumed] = named(spans, 'consume chat_responses');
  const attempts = named(spans, 'attempt');
  expect(
    attempts.map((span) => [span.attributes['healify.attempt'], isFailed(span), span.attributes['healify.outcome']]),
  ).toEqual([
    [1, true, 'retried'],
    [2, true, 'retried'],
    [3, false, 'completed'],
  ]);
  expect(attempts[0]!.attributes).toMatchObject({ 'healify.request.id': requestId, 'error.type': 'model_unavailable' });
  expect(wayUp(spans, consumed)).toEqual([
    'consume chat_responses',
    'publish chat_responses',
    'publish',
    'attempt',
    'consume chat_requests',
    'publish chat_requests',
    'POST /chat/send',
  ]);
  const calls = spans.filter(({ name }) => name.startsWith('chat '));
  expect(calls.map(isFailed)).toEqual([true, true, false]);
  expect(calls.map((call) => wayUp(spans, call)[1])).toEqual(['ask-model', 'ask-model', 'ask-model']);
  expect(calls[2]!.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'simulator',
    'gen_ai.request.model': 'simulator',
    'gen_ai.response.finish_reasons': 'stop',
    'gen_ai.usage.input_tokens': expect.any(Number),
    'gen_ai.usage.output_tokens': expect.any(Number),
  });
  expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['healify-chat-api', 'healify-chat-worker']));
});

test('a question that waited for the answer to the same question links to the attempt that asked the model', async () => {
  await simulator.behave({ latencyMs: 1_500 });
  const message = `Is ${randomUUID()} healthy?`;
  const [first, second] = await Promise.all([ask(message), ask(message)]);

  const traces = await Promise.all(
    [first, second].map(async ({ traceId }) => await collector.trace(traceId, 'attempt', 1)),
  );
  await collector.trace(first.traceId, 'publish chat_responses');
  await collector.trace(second.traceId, 'publish chat_responses');
  const asker = traces.findIndex((spans) => named(spans, 'ask-model').length > 0);
  const spans = collector.spans;
  const [asked, followed] = asker === 0 ? [first, second] : [second, first];
  const hit = spans.find((span) => span.traceId === followed.traceId && span.attributes['healify.outcome'] === 'hit');
  expect(hit).toMatchObject({ name: 'check-cache', links: [{ traceId: asked.traceId }] });
  const linked = spans.find(({ spanId }) => spanId === hit!.links[0]!.spanId);
  expect(linked).toMatchObject({ name: 'attempt', traceId: asked.traceId });
  expect(isFailed(hit!)).toBe(false);
});

test('messages that are handled in one batch are linked from its span', async () => {
  await simulator.behave({});
  const traces = Array.from({ length: 40 }, callersTrace);
  await Promise.all(
    traces.map(({ headers }) =>
      user.send({ message: `Is ${randomUUID()} healthy?` }, { ...headers, Prefer: 'wait=20' }),
    ),
  );
  const ids = new Set(traces.map(({ traceId }) => traceId));
  const batch = await until('the span of a batch has come', () =>
    named(collector.spans, 'consume batch chat_requests').find(({ links }) =>
      links.every((link) => ids.has(link.traceId)),
    ),
  );
  expect(batch.links.length).toBeGreaterThan(1);
  for (const { spanId } of batch.links) {
    const linked = await until('its message’s span has come', () =>
      collector.spans.find((span) => span.spanId === spanId),
    );
    expect(linked.name).toBe('consume chat_requests');
  }
});

test('nothing that is sent to the collector holds what a user or the model wrote, or who they are', async () => {
  const secret = `secret${randomUUID()}`;
  await simulator.behave({});
  const { traceId } = await ask(`${secret} and a cow`);
  const refused = await user.send({ message: secret, sessionId: `${secret}?`, secret });
  expect(refused.status).toBe(400);
  await user.get(`/chat/session/${secret}`);
  // All of the worker’s spans have come by then, and all of the api’s.
  await collector.trace(traceId, 'attempt');
  await collector.trace(traceId, 'consume chat_responses');
  await until(
    'the last request’s span has come',
    () => named(collector.spans, 'GET /chat/session/{sessionId}').length > 0,
  );

  const received = collector.received();
  expect(received).toContain(traceId);
  const answer = (await user.history('?limit=1')).body.items[0]!.response!;
  for (const text of [secret, answer, user.accessToken, 'three-brown-otters', '@example.com']) {
    expect(received).not.toContain(text);
  }
  expect(collector.spans.flatMap(({ events = [] }) => events)).toEqual([]);
  expect(collector.spans.filter(({ status }) => status?.message)).toEqual([]);
});

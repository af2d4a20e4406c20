import { expect, test } from '@jest/globals';
import type { Overview } from '../../../src/contracts/http/overview-bodies.ts';
import { findingsOf } from '../../../src/web/operations/verdict.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const secondsAgo = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

const worker = {
  id: 'w-1',
  role: 'worker' as const,
  version: '1',
  settings: 'abc',
  startedAt: secondsAgo(100),
  state: 'alive' as const,
  silentSince: null,
};
const gate = {
  gate: 'openai gpt-4o',
  provider: 'openai',
  model: 'gpt-4o',
  state: 'closed' as const,
  cause: null,
  since: null,
  until: null,
  keyFingerprint: null,
};
const well: Overview = {
  servers: [
    { server: 'rabbitmq', state: 'up', detail: null },
    { server: 'redis', state: 'up', detail: null },
  ],
  processes: [worker],
  warnings: [],
  intake: { paused: false, since: null, by: null },
  jobQueuePaused: false,
  line: { waiting: 2, drainPerSecond: 3, etaMs: 900, oldestQuestionAgeMs: 500 },
  queues: [{ queue: 'chat_requests', messages: 0, consumers: 1, notEmptyForMs: 0 }],
  jobs: { waiting: 1, delayed: 0, active: 1, completed: 5, failed: 0 },
  gates: [gate],
  deadLetters: [],
  failures: [],
  retryRuns: [],
};
const failure = (code: string, count: number, newestSecondsAgo: number) => ({
  code,
  count,
  oldest: secondsAgo(newestSecondsAgo + 60),
  newest: secondsAgo(newestSecondsAgo),
  example: 'r-1',
});

/** What the page says first, and where it sends the reader. */
function firstOf(change: Partial<Overview>) {
  const [first] = findingsOf({ ...well, ...change }, NOW);
  return first && { level: first.level, what: first.what, todo: first.todo, to: first.link?.href };
}

test('when all is well, nothing is found', () => {
  expect(findingsOf(well, NOW)).toEqual([]);
});

test.each<[string, Partial<Overview>, { level: 'bad' | 'warn'; what: RegExp; todo: RegExp; to?: string }]>([
  [
    'RabbitMQ is away',
    { servers: [{ server: 'rabbitmq', state: 'down', detail: 'connect ECONNREFUSED' }], queues: null },
    { level: 'bad', what: /^RabbitMQ is down \(connect ECONNREFUSED\)\.$/, todo: /nothing is lost/ },
  ],
  [
    'Redis is away, so most is not known',
    {
      servers: [{ server: 'redis', state: 'down', detail: null }],
      processes: null,
      intake: null,
      gates: null,
      failures: null,
      jobs: null,
    },
    { level: 'bad', what: /^Redis is down\.$/, todo: /Bring it back/ },
  ],
  [
    'the only worker is dead',
    { processes: [{ ...worker, state: 'missing', silentSince: secondsAgo(20) }] },
    { level: 'bad', what: /No worker is alive/, todo: /start them/, to: '#/?to=processes' },
  ],
  [
    'one of two workers is dead',
    { processes: [worker, { ...worker, id: 'w-2', state: 'missing', silentSince: secondsAgo(20) }] },
    { level: 'warn', what: /^1 worker process fell silent/, todo: /log/, to: '#/?to=processes' },
  ],
  [
    'the only provider refuses the key',
    { gates: [{ ...gate, state: 'open', cause: 'key' }] },
    {
      level: 'bad',
      what: /openai gpt-4o is not asked: the provider refuses our key/,
      todo: /^Set a good key and restart the workers\.$/,
      to: '#/?to=providers',
    },
  ],
  [
    'one of two providers fails',
    { gates: [gate, { ...gate, gate: 'b', state: 'open', cause: 'failures' }] },
    {
      level: 'warn',
      what: /b is not asked: too many calls failed/,
      todo: /The others are asked meanwhile/,
      to: '#/?to=providers',
    },
  ],
  [
    'somebody has paused the intake',
    { intake: { paused: true, since: secondsAgo(60), by: 'u' } },
    { level: 'bad', what: /intake is paused/, todo: /Resume/, to: '#/?to=intake' },
  ],
  [
    'somebody has paused the job queue',
    { jobQueuePaused: true },
    { level: 'bad', what: /job queue is paused/, todo: /Bull Board/, to: 'admin/queues/queue/chat' },
  ],
  [
    'no worker takes the questions in RabbitMQ',
    { queues: [{ queue: 'chat_requests', messages: 7, consumers: 0, notEmptyForMs: 9_000 }] },
    { level: 'bad', what: /^7 questions wait in RabbitMQ, and no worker takes them/, todo: /workers run/ },
  ],
  [
    'the line is long',
    { line: { waiting: 900, drainPerSecond: 1, etaMs: 900_000, oldestQuestionAgeMs: null } },
    { level: 'warn', what: /slow: 900 questions in line, .* about 15 min/, todo: /Add workers/ },
  ],
  [
    'questions have begun to fail',
    { failures: [failure('model_timeout', 12, 30)] },
    { level: 'warn', what: /the model took too long \(model_timeout\), 12 jobs/, todo: /retry/, to: '#/failures' },
  ],
  [
    'there is garbage on the queue',
    { deadLetters: [{ queue: 'chat_requests', reason: 'not_json', count: 40 }] },
    {
      level: 'warn',
      what: /^40 dead letters: the body is not JSON \(not_json\)\.$/,
      todo: /publisher/,
      to: '#/dead-letters/chat_requests',
    },
  ],
  [
    'there are dead letters whose users wait',
    {
      deadLetters: [
        { queue: 'chat_requests', reason: 'not_json', count: 40 },
        { queue: 'chat_responses', reason: 'invalid_signature', count: 1 },
      ],
    },
    {
      level: 'bad',
      what: /no valid signature .* Users wait/,
      todo: /MESSAGE_SIGNING_KEY/,
      to: '#/dead-letters/chat_responses',
    },
  ],
])('when %s, the operator reads what is wrong and what to do', (_what, change, { level, what, todo, to }) => {
  expect(firstOf(change)).toEqual({
    level,
    what: expect.stringMatching(what),
    todo: expect.stringMatching(todo),
    to: to ?? expect.anything(),
  });
});

test('failures of long ago are no alarm', () => {
  expect(firstOf({ failures: [failure('model_timeout', 12, 3_600)] })).toBeUndefined();
});

test('what users feel comes before what can wait', () => {
  const findings = findingsOf(
    { ...well, deadLetters: [{ queue: 'chat_requests', reason: 'empty', count: 1 }], jobQueuePaused: true },
    NOW,
  );
  expect(findings.map(({ level }) => level)).toEqual(['bad', 'warn']);
});

test('a warning of the api that this page does not know is shown as it is', () => {
  expect(firstOf({ warnings: ['Something new.'] })).toMatchObject({ level: 'warn', what: 'Something new.' });
});

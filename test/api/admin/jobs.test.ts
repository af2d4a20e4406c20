import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createJobsRouter } from '../../../src/api/admin/jobs.ts';
import { jobPage, jobStory, retryReport } from '../../../src/contracts/http/job-bodies.ts';
import { InvalidCursorError, type JobAdmin, type JobStory, type JobSummary } from '../../../src/contracts/jobs.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { onlyAdmin, serveAdmin } from './admin-server.ts';

const { trail, recorded } = recordingTrail();
const summary: JobSummary = {
  requestId: 'Request-1',
  sessionId: 's',
  userId: 'u',
  status: 'failed',
  code: 'model_timeout',
  cause: 'ask-model: model_timeout: the model did not answer',
  addedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
  attempts: 3,
};
const story: JobStory = {
  ...summary,
  ...{
    queue: 'chat',
    traceId: 'a'.repeat(32),
    startedAt: summary.addedAt,
    deadline: null,
    maxAttempts: 3,
    crashes: 0,
    ahead: null,
  },
  ...{ nextAttemptAt: null, retry: { since: summary.addedAt, code: 'model_timeout' }, failures: ['a'], answer: null },
  steps: [{ step: 'ask-model', attempt: 3, ms: 1.5, failed: 'model_timeout', waited: null }],
};
const report = { dryRun: true, matching: 1, byCode: [{ code: 'model_timeout', count: 1 }], retried: 0, left: 1 };

const cause = {
  ...{ code: 'model_timeout', count: 1, example: 'r-1' },
  ...{ oldest: summary.addedAt, newest: summary.addedAt },
};

let shown: JobStory;
let asked: unknown[];
let outcome: { retry: Awaited<ReturnType<JobAdmin['retry']>>; cancel: Awaited<ReturnType<JobAdmin['cancel']>> };
beforeEach(() => {
  asked = [];
  shown = story;
  outcome = { retry: 'retried', cancel: 'cancelling' };
});

const jobs: JobAdmin = {
  search: async (filter, options) => {
    if (options.cursor === 'odd') throw new InvalidCursorError();
    asked.push({ ...filter, ...options });
    return { jobs: [summary], nextCursor: null };
  },
  show: async (requestId) => (requestId === summary.requestId ? shown : undefined),
  failures: async () => ({ failures: [cause], counted: 1 }),
  retry: async () => outcome.retry,
  retryAll: async (options) => {
    asked.push(options);
    return report;
  },
  cancel: async () => outcome.cancel,
};
let server: Awaited<ReturnType<typeof serveAdmin>>;
beforeAll(async () => {
  server = await serveAdmin(createJobsRouter({ jobs, trail, requireAdmin: onlyAdmin }));
});
afterAll(() => server.close());

const call = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.call(`/jobs${path}`, body, headers);

test('an admin searches, and sees a job’s story', async () => {
  const found = await call('?userId=u&code=model_timeout&from=2026-01-01T00:00:00Z&limit=5');
  expect(jobPage.parse(found.body)).toEqual({ jobs: [summary], nextCursor: null });
  expect(asked).toEqual([{ userId: 'u', code: 'model_timeout', from: Date.UTC(2026), limit: 5, cursor: undefined }]);
  expect(jobStory.parse((await call('/Request-1')).body)).toEqual(story);
});

test('retrying all needs a code, and takes no longer than the caller waits', async () => {
  expect(await call('/retry', {})).toMatchObject({ status: 400, body: { errors: [{ path: 'code' }] } });
  expect(retryReport.parse((await call('/retry', { dryRun: true })).body)).toEqual(report);
  await call('/retry', { code: 'model_timeout', rate: 2 });
  expect(asked).toEqual([
    { dryRun: true, limit: 600, rate: 10 },
    { code: 'model_timeout', dryRun: false, limit: 120, rate: 2 },
  ]);
  const filter = { code: 'model_timeout', rate: 2 };
  expect(recorded).toMatchObject([
    { action: 'job.retry', outcome: 'begun', details: { filter } },
    { action: 'job.retry', outcome: 'done', details: { filter, count: report.retried, matching: report.matching } },
  ]);
});

test('one job is retried or cancelled, or it is said why not; a dry run says it before', async () => {
  const retried = { requestId: 'Request-1', asksModel: true };
  outcome = { retry: 'none', cancel: 'none' };
  expect(await call('/Request-1/retry', { dryRun: true })).toMatchObject({
    status: 200,
    body: { ...retried, dryRun: true },
  });
  outcome = { retry: 'retried', cancel: 'cancelling' };
  expect(await call('/Request-1/retry', {})).toMatchObject({ status: 200, body: { ...retried, dryRun: false } });
  expect(await call('/Request-1/cancel', {})).toMatchObject({ status: 409, body: { code: 'job_ended' } });
  shown = { ...story, status: 'active', endedAt: null };
  const cancelled = { requestId: 'Request-1', status: 'active' };
  expect(await call('/Request-1/cancel', { dryRun: true })).toMatchObject({
    status: 200,
    body: { ...cancelled, dryRun: true },
  });
  expect(await call('/Request-1/cancel', {})).toMatchObject({ status: 202, body: { ...cancelled, dryRun: false } });
  expect(await call('/Request-1/retry', {})).toMatchObject({ status: 409, body: { code: 'job_not_failed' } });
  outcome = { retry: 'not failed', cancel: 'ended' };
  expect(await call('/Request-1/cancel', {})).toMatchObject({ status: 409, body: { code: 'job_ended' } });
  outcome = { retry: 'none', cancel: 'none' };
  expect(await call('/Request-1/cancel', {})).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(recorded.slice(-2)).toMatchObject([
    { action: 'job.cancel', outcome: 'begun', subject: { kind: 'request', id: 'Request-1' } },
    { action: 'job.cancel', outcome: 'refused' },
  ]);
  expect(await call('/another/retry', {})).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await call('/another')).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test('an answer that is kept in the job is only sent again', async () => {
  shown = { ...story, steps: [{ step: 'ask-model', attempt: 1, ms: 5, failed: null, waited: null }] };
  expect(await call('/Request-1/retry', { dryRun: true })).toMatchObject({ body: { asksModel: false } });
});

test.each([
  '?limit=101',
  '?limit=0',
  '?status=broken',
  '?code=No',
  '?from=yesterday',
  '?cursor=odd',
  '?odd=1',
  `?userId=${'u'.repeat(129)}`,
])('%s is refused with the reason', async (query) => {
  expect(await call(query)).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
});

test('nobody but an admin gets in, and no page of another site', async () => {
  for (const path of ['', '/Request-1']) {
    expect(await call(path, undefined, { authorization: 'user' })).toMatchObject({ status: 403 });
  }
  for (const path of ['/retry', '/Request-1/retry', '/Request-1/cancel']) {
    expect(await call(path, {}, { authorization: 'user' })).toMatchObject({ status: 403 });
    expect(await call(path, { dryRun: true }, { 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 });
  }
  expect(asked).toEqual([]);
});

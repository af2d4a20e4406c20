import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createRetryRunsRouter } from '../../../src/api/admin/retry-runs.ts';
import { retryRun, retryRunForecast, retryRunList } from '../../../src/contracts/http/retry-run-bodies.ts';
import { type RetryRun, RetryRunActiveError } from '../../../src/contracts/retry-runs.ts';
import { captureLog } from '../../captured-log.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { onlyAdmin, serveAdmin } from './admin-server.ts';

const { trail, recorded } = recordingTrail();
const run: RetryRun = {
  ...{ id: randomUUID(), state: 'running', code: 'model_timeout', by: 'u-admin', rate: 5 },
  ...{ startedAt: '2026-01-31T12:00:00.000Z', endedAt: null, matching: 12, retried: 2, left: 10, problem: null },
};
const { logger, lines } = captureLog();
let asked: object[];
let isActive: boolean;
beforeEach(() => {
  asked = [];
  isActive = false;
});
let server: Awaited<ReturnType<typeof serveAdmin>>;
beforeAll(async () => {
  const retryRuns = {
    count: async (filter: object) => {
      asked.push(filter);
      return { matching: 12, byCode: [{ code: 'model_timeout', count: 12 }] };
    },
    start: async (options: object) => {
      if (isActive) throw new RetryRunActiveError();
      asked.push(options);
      return run;
    },
    list: async () => [run],
    show: async (id: string) => (id === run.id ? run : undefined),
    stop: async (id: string) => (id === run.id ? { ...run, state: 'stopped' as const } : undefined),
  };
  server = await serveAdmin(createRetryRunsRouter({ retryRuns, trail, requireAdmin: onlyAdmin, logger }));
});
afterAll(() => server.close());

test('a dry run says how many of what it would be, and how long it takes; the start says who began it', async () => {
  const dry = await server.call('/retry-runs', { dryRun: true, rate: 5 });
  expect(retryRunForecast.parse(dry.body)).toMatchObject({ matching: 12, seconds: 3 });
  const begun = await server.call('/retry-runs', { code: 'model_timeout', rate: 5, from: '2026-01-01T00:00:00Z' });
  expect(begun.status).toBe(201);
  expect(retryRun.parse(begun.body)).toEqual(run);
  expect(asked[1]).toMatchObject({ code: 'model_timeout', rate: 5, by: 'u-admin', from: Date.UTC(2026) });
  expect(lines).toContainEqual(expect.objectContaining({ by: 'u-admin', run: run.id, jobs: 12 }));
  isActive = true;
  expect(await server.call('/retry-runs', { code: 'model_timeout' })).toMatchObject({
    status: 409,
    body: { code: 'retry_run_active' },
  });
  expect(recorded).toMatchObject([
    { action: 'retry_run.start', outcome: 'begun', details: { filter: { code: 'model_timeout', rate: 5 } } },
    { action: 'retry_run.start', outcome: 'done', details: { matching: 12 } },
    { action: 'retry_run.start', outcome: 'begun' },
    { action: 'retry_run.start', outcome: 'refused', details: { code: 'retry_run_active' } },
  ]);
});

test('a run is shown and stopped; a dry run does not stop it', async () => {
  expect(retryRunList.parse((await server.call('/retry-runs')).body)).toEqual({ runs: [run] });
  expect((await server.call(`/retry-runs/${run.id}`)).body).toEqual(run);
  expect((await server.call(`/retry-runs/${run.id}/stop`, { dryRun: true })).body).toMatchObject({ state: 'running' });
  expect((await server.call(`/retry-runs/${run.id}/stop`, {})).body).toMatchObject({ state: 'stopped' });
  expect(recorded.at(-1)).toMatchObject({
    action: 'retry_run.stop',
    subject: { kind: 'retry_run', id: run.id },
    outcome: 'done',
  });
  for (const path of [`/retry-runs/${randomUUID()}`, '/retry-runs/none']) {
    expect(await server.call(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await server.call(`${path}/stop`, {})).toMatchObject({ status: 404 });
  }
});

test('a start needs a code, and no more than is allowed', async () => {
  expect(await server.call('/retry-runs', {})).toMatchObject({ status: 400, body: { errors: [{ path: 'code' }] } });
  for (const body of [{ rate: 0 }, { rate: 1e-300 }, { limit: 100_001 }, { from: 'yesterday' }, { odd: 1 }]) {
    expect(await server.call('/retry-runs', { code: 'model_timeout', ...body })).toMatchObject({ status: 400 });
  }
  expect(asked).toEqual([]);
});

test('nobody but an admin may, and no page of another site', async () => {
  const body = { code: 'model_timeout' };
  expect(await server.call('/retry-runs', body, { authorization: 'user' })).toMatchObject({ status: 403 });
  expect(await server.call('/retry-runs', body, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
  expect(await server.call('/retry-runs', undefined, { authorization: 'user' })).toMatchObject({ status: 403 });
  expect(await server.call(`/retry-runs/${run.id}/stop`, {}, { authorization: 'user' })).toMatchObject({ status: 403 });
  expect(asked).toEqual([]);
});

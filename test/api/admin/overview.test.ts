import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOverviewRouter } from '../../../src/api/admin/overview.ts';
import { type Overview, overview } from '../../../src/contracts/http/overview-bodies.ts';
import { onlyAdmin, serveAdmin } from './admin-server.ts';

const nothing: Overview = {
  ...{ servers: [], processes: null, warnings: [], intake: null, pausedJobQueues: null, queues: null, jobs: null },
  ...{ gates: null, deadLetters: null, deadLettersExpire: null, failures: null, retryRuns: null },
  line: { waiting: 0, drainPerSecond: null, etaMs: null, oldestQuestionAgeMs: null },
};
let looks = 0;
let server: Awaited<ReturnType<typeof serveAdmin>>;
beforeAll(async () => {
  const look = async () => {
    looks += 1;
    return nothing;
  };
  const readHistory = async () => ({ from: new Date(0).toISOString(), stepMs: 1, series: [] });
  server = await serveAdmin(createOverviewRouter({ look, readHistory, requireAdmin: onlyAdmin }));
});
afterAll(() => server.close());

test('many who ask at once cost one look, and who has the answer already is sent nothing', async () => {
  const replies = await Promise.all(Array.from({ length: 20 }, () => server.call('/overview')));
  // A slow machine takes longer than the second for which a look counts.
  expect(looks).toBeLessThan(5);
  expect(overview.parse(replies[0]!.body)).toEqual(nothing);
  const etag = String(replies[0]!.headers.etag);
  expect(await server.call('/overview', undefined, { 'if-none-match': etag })).toMatchObject({ status: 304, body: {} });
  expect(await server.call('/history')).toMatchObject({ status: 200, body: { stepMs: 1 } });
  expect(await server.call('/overview', undefined, { authorization: 'user' })).toMatchObject({ status: 403 });
});

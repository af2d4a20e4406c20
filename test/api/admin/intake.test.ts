import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createIntakeRouter } from '../../../src/api/admin/intake.ts';
import { intakeReport } from '../../../src/contracts/http/intake-bodies.ts';
import type { IntakePause } from '../../../src/contracts/intake.ts';
import { captureLog } from '../../captured-log.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { onlyAdmin, serveAdmin } from './admin-server.ts';

const { trail, recorded } = recordingTrail();
const { logger, lines } = captureLog();
const effects = { messages: 12, jobs: 3, workers: 2 };
let now: IntakePause = { paused: false, since: null, by: null };
const set = (next: IntakePause) => {
  const changed = now.paused !== next.paused;
  if (changed) now = next;
  return { changed, intake: now };
};
let server: Awaited<ReturnType<typeof serveAdmin>>;
beforeAll(async () => {
  const intake = {
    read: async () => now,
    pause: async (by: string) => set({ paused: true, since: '2026-01-31T12:00:00.000Z', by }),
    resume: async () => set({ paused: false, since: null, by: null }),
  };
  server = await serveAdmin(
    createIntakeRouter({ intake, effects: async () => effects, trail, requireAdmin: onlyAdmin, logger }),
  );
});
afterAll(() => server.close());

test('an admin is told how many it concerns, pauses the intake and resumes it; who did it is shown and logged', async () => {
  const dry = await server.call('/intake/pause', { dryRun: true });
  expect(intakeReport.parse(dry.body)).toMatchObject({
    dryRun: true,
    changed: true,
    intake: { paused: false },
    effects,
  });
  expect((await server.call('/intake')).body).toMatchObject({ paused: false });
  expect((await server.call('/intake/pause', {})).body).toMatchObject({ changed: true, intake: { by: 'u-admin' } });
  expect((await server.call('/intake/pause', {})).body).toMatchObject({ changed: false, intake: { paused: true } });
  expect((await server.call('/intake')).body).toMatchObject({ paused: true, by: 'u-admin' });
  expect((await server.call('/intake/resume', {})).body).toMatchObject({ changed: true, intake: { paused: false } });
  expect(lines.filter(({ by }) => by === 'u-admin')).toHaveLength(2);
  expect(recorded.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    ...['intake.pause begun', 'intake.pause done', 'intake.pause begun', 'intake.pause done'],
    ...['intake.resume begun', 'intake.resume done'],
  ]);
  expect(recorded[0]).toMatchObject({
    actor: { kind: 'user', userId: 'u-admin', role: 'admin' },
    address: '127.0.0.1',
  });
});

test('nobody else may pause it, and a page of another site cannot', async () => {
  expect(await server.call('/intake/pause', {}, { authorization: 'user' })).toMatchObject({ status: 403 });
  expect(await server.call('/intake/pause', {}, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
  expect(await server.call('/intake/pause', { now: true })).toMatchObject({ status: 400 });
  expect(now.paused).toBe(false);
});

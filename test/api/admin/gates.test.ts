import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createGatesRouter } from '../../../src/api/admin/gates.ts';
import { type Gate, gateList } from '../../../src/contracts/gates.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { onlyAdmin, serveAdmin } from './admin-server.ts';

const { trail, recorded } = recordingTrail();
const gate: Gate = {
  gate: 'api.example.com/gpt',
  provider: 'api.example.com',
  model: 'gpt',
  region: null,
  agreement: null,
  state: 'shut',
  cause: 'key',
  since: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T00:00:15.000Z',
  keyFingerprint: '0123abcd',
};
const jobs = { waiting: 3, delayed: 2, active: 1 };
const effects = { jobs, otherGatesOpen: 0 };
/** For how long the gate was shut, each time. */
const shut: number[] = [];
let call: Awaited<ReturnType<typeof serveGates>>['call'];
const serveGates = () =>
  serveAdmin(
    createGatesRouter({
      gates: {
        list: async () => [gate],
        open: async (name) => (name === gate.gate ? { gate: name, wasShut: true } : undefined),
        shut: async (name, forMs) => {
          shut.push(forMs);
          return { gate: name, wasShut: true, until: gate.until!, cause: 'operator' };
        },
      },
      openJobs: async () => jobs,
      trail,
      requireAdmin: onlyAdmin,
    }),
  );
let close = () => {};
beforeAll(async () => {
  const server = await serveGates();
  close = server.close;
  call = (path, ...rest) => server.call(`/gates${path}`, ...rest);
});
afterAll(() => close());

test('an admin sees all gates, and has one asked again', async () => {
  const listed = await call('');
  expect(gateList.parse(listed.body)).toEqual({ gates: [gate] });
  const opened = { gate: gate.gate, wasShut: true, dryRun: false, effects };
  expect(await call('/open', { gate: gate.gate })).toMatchObject({ status: 200, body: opened });
});

test('an admin shuts a gate, and is told before how many it concerns and what would happen', async () => {
  const dry = await call('/shut', { gate: gate.gate, for: '2h', dryRun: true });
  expect(dry).toMatchObject({ status: 200, body: { wasShut: true, cause: 'operator', dryRun: true, effects } });
  expect(Date.parse(String(dry.body.until)) - Date.now()).toBeGreaterThan(7_100_000);
  expect(shut).toEqual([]);
  expect(await call('/open', { gate: gate.gate, dryRun: true })).toMatchObject({ status: 200, body: { dryRun: true } });
  expect(await call('/shut', { gate: gate.gate })).toMatchObject({ status: 200, body: { dryRun: false, effects } });
  expect(shut).toEqual([3_600_000]);
  const subject = { kind: 'gate', id: gate.gate };
  expect(recorded.slice(-2)).toMatchObject([
    { action: 'gate.shut', subject, outcome: 'begun', details: { filter: { forMs: 3_600_000 } } },
    { action: 'gate.shut', subject, outcome: 'done' },
  ]);
  for (const wrong of ['25h', '0s', 'long', 60])
    expect(await call('/shut', { gate: gate.gate, for: wrong })).toMatchObject({ status: 400 });
});

test('nobody else may, and an unknown gate is reported', async () => {
  expect(await call('', undefined, { authorization: 'user' })).toMatchObject({ status: 403 });
  expect(await call('/open', { gate: gate.gate }, { authorization: 'user' })).toMatchObject({ status: 403 });
  expect(await call('/open', { gate: 'nobody/nothing' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await call('/open', {})).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
});

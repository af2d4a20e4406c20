import { expect, test } from '@jest/globals';
import type { SeenProcess } from '../../src/contracts/processes.ts';
import { judgeProcesses } from '../../src/observability/judge-processes.ts';

const worker: SeenProcess = {
  ...{ id: 'w', role: 'worker', version: '1', settings: 'a', startedAt: '2026-01-01T00:00:00.000Z' },
  ...{ silentMs: 0, state: 'alive' },
};
const api: SeenProcess = { ...worker, id: 'a', role: 'api' };
const warningsOf = (...processes: SeenProcess[]) =>
  judgeProcesses(processes, { intakePausedSince: null, pausedQueues: [], isWorkedOn: false }).warnings;

test('processes that are all alive and agree need no warning', () => {
  expect(warningsOf(api, worker)).toEqual([]);
});

test('an operator is told that a worker is missing, and that none is left', () => {
  const dead: SeenProcess = { ...worker, state: 'missing' };
  expect(warningsOf(api, worker, dead)).toEqual(['1 worker process is missing.']);
  expect(warningsOf(api, dead, dead)).toEqual([
    expect.stringMatching(/^No worker is alive/),
    '2 worker processes are missing.',
  ]);
  expect(warningsOf(api)).toEqual([expect.stringMatching(/^No worker is alive/)]);
});

test('an operator is told that settings differ, but not because of a dead process', () => {
  expect(warningsOf(api, { ...worker, settings: 'b' })).toEqual([expect.stringContaining('different settings')]);
  expect(warningsOf(api, worker, { ...worker, settings: 'b', state: 'missing' })).toEqual([
    '1 worker process is missing.',
  ]);
});

test('an operator is told of a pause, which stops the work although all processes run', () => {
  const since = '2026-01-31T12:00:00.000Z';
  const { warnings } = judgeProcesses([worker], {
    intakePausedSince: since,
    pausedQueues: ['chat-1'],
    isWorkedOn: false,
  });
  expect(warnings).toEqual([expect.stringContaining(since), expect.stringContaining('chat-1 is paused')]);
});

test('workers in other languages show no heartbeat, so nobody is told that there is none while somebody works', () => {
  expect(judgeProcesses([api], { intakePausedSince: null, pausedQueues: [], isWorkedOn: true }).warnings).toEqual([]);
});

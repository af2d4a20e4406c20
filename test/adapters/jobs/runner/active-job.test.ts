import { expect, test } from '@jest/globals';
import type { ChatJobResult, WorkflowState } from '../../../../src/adapters/jobs/chat-job.ts';
import type { UnusableJobError } from '../../../../src/adapters/jobs/read-job-data.ts';
import { ActiveJob } from '../../../../src/adapters/jobs/runner/active-job.ts';
import { jobWrites } from './job-writes.ts';
import { takenJob } from './new-job.ts';

const state: WorkflowState = { step: 'ask-model', attempt: 1, steps: [], results: {}, crashes: 0 };
const open = (different: Parameters<typeof takenJob>[1] = {}) => {
  const writes = jobWrites();
  return { job: new ActiveJob(takenJob('a', different), { locked: false, writes }), writes };
};

test('a job that is saved is still held', async () => {
  const { job, writes } = open();
  await job.saveState(state);
  expect(writes.save).toHaveBeenCalledWith(job, JSON.stringify(state));
  expect(job.phase).toBe('held');
});

test.each<[string, (job: ActiveJob) => Promise<unknown>]>([
  ['completed', (job) => job.complete({ status: 'completed' } as ChatJobResult)],
  ['retried', (job) => job.retry(new Error('a failure'), 10)],
  ['failed', (job) => job.fail(new Error('a failure'), state)],
  ['delayed', (job) => job.delay(1)],
  ['handed back', (job) => job.handBack()],
])('a job that is %s is leaving, whether or not it was lost', async (_, end) => {
  for (const phase of ['held', 'lost'] as const) {
    const { job } = open();
    job.phase = phase;
    const ending = end(job);
    expect(job.phase).toBe('leaving');
    await ending;
  }
});

test('the reason of the signal tells a cancelled request from a process that stops', () => {
  const { job: cancelled } = open();
  const { job: stopped } = open();
  cancelled.cancel();
  stopped.stop();
  expect([cancelled, stopped].map(({ signal }) => signal.reason?.code)).toEqual([
    'request_cancelled',
    'process_stopping',
  ]);
  expect([cancelled.cancelled, stopped.cancelled]).toEqual([true, false]);
});

test('a request that is cancelled while the process stops counts as cancelled', () => {
  const { job } = open();
  job.stop();
  job.cancel();
  expect([job.signal.reason?.code, job.cancelled]).toEqual(['process_stopping', true]);
});

test('a job that was cancelled before it was taken is aborted from the beginning', () => {
  const { job } = open({ cancelled: true });
  expect([job.signal.aborted, job.cancelled]).toEqual([true, true]);
});

test('a job that nobody can work on says why, is shown as JSON, and fails with the state that it had', async () => {
  const { job, writes } = open({ data: 'not JSON', progress: '{"odd":true}' });
  expect(job.unreadable?.message).toMatch(/not a JSON object/);
  expect([job.user, JSON.parse(job.shownData)]).toEqual(['', 'not JSON']);
  await job.giveUp(job.unreadable as UnusableJobError);
  expect(writes.fail).toHaveBeenCalledWith(job, expect.anything(), '{"odd":true}');
});

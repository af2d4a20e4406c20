import { expect, test } from '@jest/globals';
import type { WorkflowState } from '../../../src/adapters/jobs/chat-job.ts';
import { RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import type { TestProcess } from '../../processes.ts';
import type { TcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';
import { type FaultCase, metric, settled, startFaultCaseWithUser } from './fault-case.ts';

const KILLED_OR_CUT = ['a worker killed', 'a connection cut'] as const;

/** The model has answered a question, and the answer has not reached the worker. */
async function askUpToTheAnswer() {
  const { fault, api, user } = await startFaultCaseWithUser();
  const worker = await fault.startWorker('proxied');
  return { fault, api, user, worker, accepted: await fault.askUpToTheAnswer(user, 'What is it?') };
}

/** @param meanwhile before the next worker, or the next connection */
async function strike(
  what: (typeof KILLED_OR_CUT)[number],
  { fault, worker, connection }: { fault: FaultCase; worker: TestProcess; connection: TcpProxy },
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  if (what === 'a worker killed') {
    await worker.kill();
    await meanwhile();
    await fault.startWorker();
  } else {
    connection.cut();
    await meanwhile();
    connection.open();
  }
}

const isWrittenDown = async (fault: FaultCase, requestId: string) =>
  'ask-model' in (((await fault.job(requestId))?.progress as Partial<WorkflowState> | undefined)?.results ?? {});

/** The job and the cache are written at the same time: either may be first. */
async function untilKept(fault: FaultCase, { requestId, sessionId }: { requestId: string; sessionId: string }) {
  await until('the answer is written down', () => isWrittenDown(fault, requestId));
  await until('the answer is in the cache', () => fault.isCached(sessionId));
}

test('a worker killed before the answer is written down: the model is asked again, and that is counted', async () => {
  const { fault, user, worker, accepted } = await askUpToTheAnswer();
  fault.redis.holdFromClient();
  fault.cache.holdFromClient();
  fault.model.release();
  await until(
    'the worker has the answer',
    async () => (await metric(worker, 'gen_ai_client_token_usage_count', { gen_ai_token_type: 'output' })) === 1,
  );
  expect(await isWrittenDown(fault, accepted.requestId)).toBe(false);
  await worker.kill();

  const next = await fault.startWorker();
  await until(
    'the job is taken up',
    async () => (await metric(next, 'healify_uncertain_spend_total', { why: 'crashed' })) === 1,
  );
  await fault.expectAnsweredOnce(user, accepted, 2);
});

test.each(KILLED_OR_CUT)('%s after the answer is written down, before the cache write: asked once', async (what) => {
  const { fault, user, worker, accepted } = await askUpToTheAnswer();
  fault.cache.holdFromClient();
  // Without its cache a worker goes on after a second: it shall get no further than this.
  fault.rabbitMq.holdFromClient();
  fault.model.release();
  await until('the answer is written down', () => isWrittenDown(fault, accepted.requestId));
  await strike(what, { fault, worker, connection: fault.cache }, async () =>
    expect(await fault.isCached(accepted.sessionId)).toBe(false),
  );
  fault.rabbitMq.release();

  await fault.expectAnsweredOnce(user, accepted, 1);
});

test.each(KILLED_OR_CUT)('%s after the cache write, before the publish: asked once', async (what) => {
  const { fault, user, worker, accepted } = await askUpToTheAnswer();
  fault.rabbitMq.holdFromClient();
  fault.model.release();
  await untilKept(fault, accepted);
  expect((await user.session(accepted.sessionId)).body.status).toBe('asking');
  await strike(what, { fault, worker, connection: fault.rabbitMq });

  await fault.expectAnsweredOnce(user, accepted, 1);
});

test.each(KILLED_OR_CUT)('%s after the publish, before its confirm: asked once, seen once', async (what) => {
  const { fault, api, user, worker, accepted } = await askUpToTheAnswer();
  fault.rabbitMq.holdFromServer();
  fault.model.release();
  await until('its user sees the answer', async () => (await settled(api, 'settled')) === 1);
  expect(await fault.jobState(accepted.requestId)).toBe('active');
  await strike(what, { fault, worker, connection: fault.rabbitMq });

  await until('the answer has come again', async () => (await settled(api, 'duplicate')) === 1);
  await fault.expectAnsweredOnce(user, accepted, 1);
});

test.each(KILLED_OR_CUT)('%s after the confirm, before the job completes: asked once, seen once', async (what) => {
  const { fault, api, user, worker, accepted } = await askUpToTheAnswer();
  fault.rabbitMq.holdFromClient();
  fault.model.release();
  await untilKept(fault, accepted);
  fault.redis.holdFromClient();
  fault.rabbitMq.release();
  await until(
    'the worker has the confirm',
    async () => (await metric(worker, 'healify_requests_finished_total')) === 1,
  );
  await until('its user sees the answer', async () => (await settled(api, 'settled')) === 1);
  expect(await fault.jobState(accepted.requestId)).toBe('active');
  expect(await fault.depth(RESPONSES_QUEUE)).toBe(0);
  await strike(what, { fault, worker, connection: fault.redis });

  await fault.expectAnsweredOnce(user, accepted, 1);
});

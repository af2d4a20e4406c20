import { expect, test } from '@jest/globals';
import { REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { until } from '../../until.ts';
import { startFaultCaseWithUser } from './fault-case.ts';

const KEY = { 'Idempotency-Key': 'the same question' };

test('an api killed between publish and confirm: its user sees nothing, repeats the question, and is answered once', async () => {
  const { fault, api, user } = await startFaultCaseWithUser('proxied');
  const body = { message: 'Was I heard?' };
  fault.rabbitMq.holdFromServer();
  const lost = user.send(body, KEY).then(
    () => 'replied',
    () => 'connection lost',
  );
  await until('RabbitMQ has the question', async () => (await fault.depth(REQUESTS_QUEUE)) === 1);
  await api.kill();
  expect(await lost).toBe('connection lost');

  const again = user.at((await fault.startApi()).url);
  expect((await again.history()).body.items).toEqual([]);
  const { body: accepted } = await until('it is accepted', async () => {
    const answer = await again.send(body, KEY);
    return answer.status === 202 && answer;
  });
  expect(await fault.depth(REQUESTS_QUEUE)).toBe(2);
  await fault.startWorker();
  await fault.expectAnsweredOnce(again, accepted, 1);
});

test('an api killed between publish and confirm: a question that nobody repeats is answered all the same', async () => {
  const { fault, api, user } = await startFaultCaseWithUser('proxied');
  fault.rabbitMq.holdFromServer();
  const lost = user.send({ message: 'Was I heard?' }).then(
    () => 'replied',
    () => 'connection lost',
  );
  await until('RabbitMQ has the question', async () => (await fault.depth(REQUESTS_QUEUE)) === 1);
  await api.kill();
  expect(await lost).toBe('connection lost');

  const again = user.at((await fault.startApi()).url);
  await fault.startWorker();
  const item = await until('it is in the history', async () => (await again.history()).body.items[0]);
  await fault.expectAnsweredOnce(again, item, 1);
});

test('a connection cut between publish and confirm: the user is told to try again, and is answered once', async () => {
  const { fault, user } = await startFaultCaseWithUser('proxied');
  const body = { message: 'Was I heard?' };
  fault.rabbitMq.holdFromServer();
  const refused = user.send(body, KEY);
  await until('RabbitMQ has the question', async () => (await fault.depth(REQUESTS_QUEUE)) === 1);
  fault.rabbitMq.cut();
  expect(await refused).toMatchObject({ status: 503 });
  expect((await user.history()).body.items).toEqual([]);

  fault.rabbitMq.open();
  const { body: accepted } = await until('it is accepted', async () => {
    const answer = await user.send(body, KEY);
    return answer.status === 202 && answer;
  });
  await fault.startWorker();
  await fault.expectAnsweredOnce(user, accepted, 1);
});

/** A question that has become a job while its message is not acknowledged; the worker's one place is taken. */
async function askUpToTheJob() {
  const { fault, user } = await startFaultCaseWithUser();
  const worker = await fault.startWorker('proxied', { WORKER_CONCURRENCY: '1' });
  const first = await fault.askUpToTheAnswer(user, 'Who keeps the worker busy?');
  fault.rabbitMq.holdFromClient();
  const { body: accepted } = await user.send({ message: 'Who waits behind it?' });
  await until('it is a job', async () => (await fault.jobState(accepted.requestId)) === 'prioritized');
  expect(await fault.depth(REQUESTS_QUEUE)).toBe(0);
  return { fault, user, worker, first, accepted };
}

test('a worker killed between addBulk and ack: the message comes again, and the question is asked once', async () => {
  const { fault, user, worker, accepted } = await askUpToTheJob();
  await worker.kill();
  await until('the message is back', async () => (await fault.depth(REQUESTS_QUEUE)) >= 1);

  await fault.startWorker();
  await fault.expectAnsweredOnce(user, accepted, 1);
});

test('a connection cut between addBulk and ack: the message comes again, and the question is asked once', async () => {
  const { fault, user, first, accepted } = await askUpToTheJob();
  fault.rabbitMq.cut();
  await until('the message is back', async () => (await fault.depth(REQUESTS_QUEUE)) >= 1);
  fault.rabbitMq.open();
  await until('it is taken again', async () => (await fault.depth(REQUESTS_QUEUE)) === 0);

  fault.model.release();
  await until('the first is done', async () => (await fault.jobState(first.requestId)) === 'completed');
  await fault.expectAnsweredOnce(user, accepted, 1);
  expect(await fault.callCount('Who keeps the worker busy?')).toBe(1);
});

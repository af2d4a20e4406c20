import { expect, test } from '@jest/globals';
import { RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { until } from '../../until.ts';
import { settled, startFaultCaseWithUser } from './fault-case.ts';

/** The model has answered a question, which its worker does not know yet. */
async function askUpToTheAnswer() {
  const { fault, api, user } = await startFaultCaseWithUser('proxied');
  // Through the model's proxy alone: the worker does not notice what happens to the api's connections.
  await fault.startWorker('direct', { MODEL_SIMULATOR_URL: fault.model.url });
  return { fault, api, user, accepted: await fault.askUpToTheAnswer(user, 'What is it?') };
}

/** The api has taken the answer from RabbitMQ, and cannot write it down. */
async function stopBeforeTheUpdate() {
  const { fault, api, user, accepted } = await askUpToTheAnswer();
  fault.redis.holdFromClient();
  fault.model.release();
  await until('the answer is published', async () => (await fault.jobState(accepted.requestId)) === 'completed');
  await until('the api has taken it', async () => (await fault.depth(RESPONSES_QUEUE)) === 0);
  expect(await fault.storedSession(accepted.sessionId, user.userId)).toMatchObject({ status: 'queued' });
  return { fault, api, user, accepted };
}

/** The api has written the answer down, and cannot acknowledge it. */
async function stopBeforeTheAck() {
  const { fault, api, user, accepted } = await askUpToTheAnswer();
  fault.rabbitMq.holdFromClient();
  fault.model.release();
  await until('its user sees it', async () => (await user.session(accepted.sessionId)).body.status === 'completed');
  expect(await fault.depth(RESPONSES_QUEUE)).toBe(0);
  return { fault, api, user, accepted };
}

test('an api killed with an answer in hand: the answer comes again, and the next api shows it', async () => {
  const { fault, api, user, accepted } = await stopBeforeTheUpdate();
  await api.kill();
  await until('the answer is back', async () => (await fault.depth(RESPONSES_QUEUE)) === 1);
  expect(await fault.storedSession(accepted.sessionId, user.userId)).toMatchObject({ status: 'queued' });

  const next = await fault.startApi();
  await fault.expectAnsweredOnce(user.at(next.url), accepted, 1);
});

test('an api that loses Redis with an answer in hand shows the answer when Redis is back', async () => {
  const { fault, api, user, accepted } = await stopBeforeTheUpdate();
  fault.redis.cut();
  fault.redis.open();
  await until('the api is back', async () => (await fetch(`${api.url}/health/ready`)).ok);
  await fault.expectAnsweredOnce(user, accepted, 1);
});

test('an api killed between the session update and the ack: the answer comes again and changes nothing', async () => {
  const { fault, api, user, accepted } = await stopBeforeTheAck();
  const before = await fault.storedSession(accepted.sessionId, user.userId);
  await api.kill();
  await until('the answer is back', async () => (await fault.depth(RESPONSES_QUEUE)) === 1);

  const next = await fault.startApi();
  await until('it has come again', async () => (await settled(next, 'duplicate')) === 1);
  expect(await fault.storedSession(accepted.sessionId, user.userId)).toEqual(before);
  await fault.expectAnsweredOnce(user.at(next.url), accepted, 1);
});

test('a connection cut between the session update and the ack: the answer comes again and changes nothing', async () => {
  const { fault, api, user, accepted } = await stopBeforeTheAck();
  const before = await fault.storedSession(accepted.sessionId, user.userId);
  fault.rabbitMq.cut();
  await until('the answer is back', async () => (await fault.depth(RESPONSES_QUEUE)) === 1);

  fault.rabbitMq.open();
  await until('it has come again', async () => (await settled(api, 'duplicate')) === 1);
  expect(await fault.storedSession(accepted.sessionId, user.userId)).toEqual(before);
  await fault.expectAnsweredOnce(user, accepted, 1);
});

import { randomUUID } from 'node:crypto';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import type { RabbitMq } from '../../tools/services/rabbitmq.ts';
import { signUp } from '../api-client.ts';
import type { TestProcess } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { responseTo } from '../stand-in-worker.ts';
import { until } from '../until.ts';

/** More than RATE_SEND_PER_MINUTE of the test. */
const TOO_MANY = 210;

/**
 * Traffic in which everything happens that metrics count. A round has answers, some of them from the cache, a retry, failures,
 * a dead letter, a forged answer, refusals, a rating, a stream, and calls that may be paid without an answer. Before the first
 * one, connections are lost.
 * @returns a function that sends one round
 */
export async function createRounds({ api, rabbitMq }: { api: TestProcess; rabbitMq: RabbitMq }) {
  const user = await signUp(api.url);
  const [eager, patient] = [await signUp(api.url), await signUp(api.url)];
  await rabbitMq.ctl('close_all_connections', 'by the test');
  await until('the api is connected again', async () => (await patient.send({ message: 'Hello?' })).status === 202);
  const client = await startQueueClient(rabbitMq.url);
  // It goes back to its queue again and again.
  client.channel.sendToQueue(REQUESTS_QUEUE, Buffer.from('{"version":99}'));
  const ask = (message: string) => user.send({ message }, { Prefer: 'wait=10' });

  const readStream = async (message: string) => {
    const reply = await fetch(`${api.url}/chat/send`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${user.accessToken}`,
        'Content-Type': 'application/json',
        Accept: 'text/event-stream',
      },
      body: JSON.stringify({ message }),
    });
    const events = await reply.text();
    if (!events.includes('event: completed')) throw new Error(`the stream has not been completed: ${events}`);
  };

  for (let sent = 0; sent < TOO_MANY; sent += 30)
    await Promise.all(Array.from({ length: 30 }, () => eager.send({ message: '' })));

  return async () => {
    const once = randomUUID();
    const slow = `Slowly. ${once} [[simulate latency=300ms]]`;
    const same = [ask(slow), ask(slow)];
    // Some wait for a worker, because it has few places.
    const many = Array.from({ length: 8 }, (_, n) =>
      patient.send({ message: `${n} ${once} [[simulate latency=500ms]]` }),
    );
    client.channel.sendToQueue(REQUESTS_QUEUE, Buffer.from('garbage'));
    const forged = responseTo({ requestId: randomUUID(), sessionId: randomUUID(), userId: 'somebody' });
    client.channel.sendToQueue(RESPONSES_QUEUE, Buffer.from(JSON.stringify(forged)));
    await client.channel.waitForConfirms();
    const [answered] = await Promise.all([
      ask('How much water should I drink?'),
      ...same,
      ...many,
      ask(`Never. ${once} [[simulate status=400]]`),
      ask(`Again. ${once} [[simulate status=500 times=1]]`),
      ask(`Without a count. ${once} [[simulate mode=no_usage]]`),
      ask(`Empty. ${once} [[simulate mode=empty times=1]]`),
      readStream(`Word by word. ${once}`),
    ]);
    await user.put(`/chat/requests/${answered.body.requestId}/feedback`, { rating: 'up' });
  };
}

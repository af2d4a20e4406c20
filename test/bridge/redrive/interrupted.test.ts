import { expect, test } from '@jest/globals';
import { createDeadLetterAdmin } from '../../../src/bridge/redrive/dead-letter-admin.ts';
import { redriveOptions } from '../../../src/contracts/dead-letters.ts';
import { REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { bury, drain, numbersOf, upTo } from '../../dead-letters.ts';
import { startScript } from '../../processes.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
const LETTERS = 400;
/** Acknowledgements have no answer: those of the last few letters may be lost with the connection. */
const ON_THEIR_WAY = 50;

/** Every letter is in one of the two queues, at most as many in both as were on their way. */
async function expectAllThere(client: QueueClient) {
  const sent = numbersOf(await drain(client, REQUESTS_QUEUE));
  const kept = numbersOf(await drain(client, DLQ));
  expect(sent.length).toBeLessThan(LETTERS);
  expect([...new Set([...sent, ...kept])].toSorted((one, other) => one - other)).toEqual(upTo(LETTERS));
  expect(sent.length + kept.length).toBeLessThanOrEqual(LETTERS + ON_THEIR_WAY);
  expect(kept).toEqual(kept.toSorted((one, other) => one - other));
  return { sent, kept };
}

const lettersBack = (client: QueueClient, sentAtLeast: number) =>
  until('the broker has given the letters back', async () => {
    const [sent, kept] = [await client.depth(REQUESTS_QUEUE), await client.depth(DLQ)];
    return sent >= sentAtLeast && sent + kept >= LETTERS;
  });

test('a redrive killed in the middle loses nothing, and the next one finishes', async () => {
  const url = await testRabbitMqUrl();
  const client = await startQueueClient(url);
  await bury(client, REQUESTS_QUEUE, upTo(LETTERS));
  const env = { RABBITMQ_URL: url, REDIS_URL: await testRedisUrl() };
  const script = await startScript('src/main/dlq.ts', ['redrive', REQUESTS_QUEUE, '--rate', '50'], env);
  await until('half of it has gone', async () => (await client.depth(REQUESTS_QUEUE)) > 100);
  await script.kill();
  await lettersBack(client, 100);
  const { sent, kept } = await expectAllThere(client);

  await bury(client, REQUESTS_QUEUE, kept);
  const again = await startScript('src/main/dlq.ts', ['redrive', REQUESTS_QUEUE], env);
  await again.exited;
  expect(again.exitCode).toBe(0);
  const rest = numbersOf(await drain(client, REQUESTS_QUEUE));
  expect(new Set([...sent, ...rest]).size).toBe(LETTERS);
});

test('a redrive that loses its connection loses nothing, and says how far it came', async () => {
  const url = await testRabbitMqUrl();
  const client = await startQueueClient(url);
  const proxy = await startTcpProxy(url);
  try {
    await bury(client, REQUESTS_QUEUE, upTo(LETTERS));
    const admin = createDeadLetterAdmin({ url: proxy.url });
    const report = await admin.redrive(REQUESTS_QUEUE, redriveOptions.parse({ rate: 500 }), (sent) => {
      if (sent === 100) proxy.cut();
    });
    expect(report.stopped).toMatch(/lost|closed/);
    expect(report.sent).toBeGreaterThanOrEqual(100);
    await lettersBack(client, 100);
    const { sent } = await expectAllThere(client);
    expect(sent.length).toBeGreaterThanOrEqual(report.sent);
  } finally {
    await proxy.stop();
  }
});

test('a redrive while the broker does not answer sends nothing and rejects', async () => {
  const url = new URL(await testRabbitMqUrl());
  url.port = '1';
  const admin = createDeadLetterAdmin({ url: url.href });
  await expect(admin.redrive(REQUESTS_QUEUE, redriveOptions.parse({}))).rejects.toMatchObject({
    code: 'broker_unavailable',
  });
});

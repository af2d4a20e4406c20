import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { pino } from 'pino';
import { type BrokerConnection, connectRabbitMq } from '../../../src/adapters/rabbitmq/connection.ts';
import { createResponseSettler } from '../../../src/api/chat/settle-responses.ts';
import { BrokerUnavailableError } from '../../../src/contracts/errors.ts';
import { RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { until } from '../../until.ts';

const logger = pino({ level: 'silent' });
let url: string;
let connection: BrokerConnection;
beforeAll(async () => {
  url = await testRabbitMqUrl();
  connection = await connectRabbitMq({ url, name: 'test', logger });
  await connection.ready();
});
afterAll(() => connection.close());

async function publish(...bodies: string[]): Promise<void> {
  const client = await connect(url);
  const channel = await client.createConfirmChannel();
  for (const body of bodies) channel.sendToQueue(RESPONSES_QUEUE, Buffer.from(body));
  await channel.waitForConfirms();
  await client.close();
}

test('a dead letter that RabbitMQ does not take is tried again, and does not end the process', async () => {
  const uncaught: unknown[] = [];
  const collect = (error: unknown) => uncaught.push(error);
  process.on('unhandledRejection', collect);
  const kept: string[] = [];
  let tries = 0;
  const settler = createResponseSettler({
    connection,
    // A store that is slower than the broker's refusal.
    conversations: {
      settle: async (responses) => {
        await sleep(100);
        return responses.map(() => 'settled' as const);
      },
      isRefused: async () => false,
    },
    signatures: undefined,
    acceptUnsigned: true,
    seals: plainTexts,
    unknownSession: 'dead-letter',
    deadLetter: async ({ body }) => {
      if (++tries === 1) throw new BrokerUnavailableError('RabbitMQ is not connected');
      kept.push(body.toString());
    },
    giveBack: async () => {
      throw new Error('of a newer version');
    },
    prefetch: 10,
    onSettled: () => {},
    logger,
  });
  await publish('garbage', JSON.stringify(response));
  settler.start();
  await until('the garbage is kept', () => kept.includes('garbage'));
  await settler.stop();
  process.off('unhandledRejection', collect);
  expect(uncaught).toEqual([]);
});

const response = {
  requestId: 'r1',
  sessionId: 's1',
  userId: 'u1',
  status: 'completed',
  response: 'So.',
  error: null,
  model: 'm',
  provider: 'p',
  cached: false,
  usage: null,
  finishReason: null,
  attempts: 1,
  timings: { waitMs: 0, modelMs: 0, totalMs: 0 },
  completedAt: '2026-01-01T00:00:00.000Z',
};

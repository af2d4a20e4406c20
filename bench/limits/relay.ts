import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { connect } from 'amqplib';
import { publish } from '../contenders/publish.ts';
import { type Request, settings } from '../contenders/settings.ts';

// The limit of the open loop: a question that comes over HTTP is sent to the broker, and its answer is sent back. Nobody is
// authenticated, and nothing is written down. An answer that comes twice, or after a restart, is lost.
const connection = await connect(settings.rabbitMqUrl);
const channel = await connection.createConfirmChannel();
const asking = new Map<string, (status: string) => void>();
await channel.consume(
  'chat_responses',
  (message) => {
    if (!message) return;
    const { requestId, status } = JSON.parse(message.content.toString()) as { requestId: string; status: string };
    asking.get(requestId)?.(status);
    asking.delete(requestId);
  },
  { noAck: true },
);

const answer = (res: ServerResponse, body: object) =>
  res.setHeader('content-type', 'application/json').end(JSON.stringify(body));

createServer(async (req, res) => {
  if (req.method !== 'POST') return answer(res, {});
  const { message } = (await json(req)) as { message: string };
  const requestId = randomUUID();
  const request: Request = { requestId, sessionId: requestId, userId: 'bench', message };
  const createdAt = new Date().toISOString();
  asking.set(requestId, (status) => answer(res, { status, createdAt }));
  await publish(channel, 'chat_requests', request);
}).listen(Number(process.env.API_PORT), '127.0.0.1');

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { watchHealth } from '../../../tools/start/watch-health.ts';
import { until } from '../../until.ts';
import { terminalText } from './terminal-text.ts';

let checks: Record<string, { status: string }> = {};
const server = createServer((_, response) => {
  const down = Object.values(checks).some(({ status }) => status === 'down');
  response.writeHead(down ? 503 : 200).end(JSON.stringify({ status: down ? 'unavailable' : 'ok', checks }));
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

test('who follows npm start is told when a server is lost, also one that was not started here, and when it is back', async () => {
  const terminal = terminalText();
  checks = { rabbitmq: { status: 'up' }, redis: { status: 'up' } };
  const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const watch = watchHealth({ name: 'worker', baseUrl, terminal });
  try {
    checks = { rabbitmq: { status: 'down' }, redis: { status: 'down' } };
    await until('the loss', () => terminal.text().includes('worker has lost RabbitMQ and Redis'));
    checks = { rabbitmq: { status: 'down' }, redis: { status: 'up' } };
    await until('Redis', () => terminal.text().includes('worker has Redis back. It still waits for RabbitMQ.'));
    checks = { rabbitmq: { status: 'up' }, redis: { status: 'up' } };
    await until('RabbitMQ', () => terminal.text().includes('worker has RabbitMQ back. It is ready again.'));
    expect(terminal.text().trim().split('\n')).toHaveLength(3);
  } finally {
    watch.stop();
  }
});

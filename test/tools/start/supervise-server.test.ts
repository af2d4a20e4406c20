import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { startRabbitMq } from '../../../tools/services/rabbitmq.ts';
import { startRedis } from '../../../tools/services/redis.ts';
import type { Service } from '../../../tools/services/service.ts';
import { superviseServer } from '../../../tools/start/supervise-server.ts';
import { until } from '../../until.ts';
import { terminalText } from './terminal-text.ts';

const dir = mkdtempSync(join(tmpdir(), 'healify-servers-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each<[string, string, () => Promise<Service>]>([
  ['Redis', 'exit code 137 (SIGKILL)', () => startRedis({ dir: join(dir, 'redis') })],
  ['RabbitMQ', 'exit code 137 (SIGKILL)', () => startRabbitMq({ dir: join(dir, 'rabbitmq') })],
])('%s that is killed is reported (%s, and its log), and again when it is back', async (name, reason, start) => {
  const service = await start();
  const terminal = terminalText();
  const supervised = superviseServer({ name, service, meanwhile: 'nothing works' }, terminal);
  try {
    await service.kill();
    await until('the report', () => terminal.text().includes(`${name} has ended by itself`));
    expect(terminal.text()).toContain('until then nothing works.');
    expect(terminal.text()).toContain(`How it ended: ${reason}`);
    expect(terminal.text()).toMatch(/Its log: \S+\.log/);
    await until('it is back', () => terminal.text().includes(`${name} is back.`), 60_000);
  } finally {
    await supervised.stop();
  }
});

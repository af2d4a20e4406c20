import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { withoutCluster } from '../services/rabbitmq-cluster.ts';
import { withoutRedisServers } from '../services/redis-cluster.ts';
import { figureOf, runHarness } from './run-harness.ts';

jest.setTimeout(600_000);

const main = join(import.meta.dirname, '../../chaos/main.ts');
const testWithClusters = (withoutCluster ?? withoutRedisServers) ? test.skip : test;

testWithClusters(
  'with the leader of a queue and the primary of Redis killed, and a primary cut off, each question has one end, and the answer that is its own',
  async () => {
    // FerretDB with SQLite is too slow for a busy machine. test/e2e/faults/mongodb-killed.test.ts kills it.
    const args = ['--cluster', '--without-mongodb', '--seed', '20', '--requests', '160', '--kills', '4', '--rate', '8'];
    if (process.platform === 'linux') args.push('--cuts', '1');
    const { code, output } = await runHarness(main, args);
    if (code !== 0) throw new Error(output);
    expect(output).toMatch(/lost +0 +ok/);
    expect(output).toMatch(/stuck +0 +ok/);
    for (const victim of ['worker', 'api', 'rabbitmq', 'redis']) {
      expect(output).toContain(`longest refusal after a kill of ${victim}`);
    }
    for (const finding of ['cancelled', 'poison sent', 'lines of the logs']) {
      expect(figureOf(output, finding)).toBeGreaterThan(0);
    }
  },
);

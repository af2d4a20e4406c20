import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { AUDIT_TRAIL_KEY } from '../../src/contracts/redis-keys.ts';
import { signUp } from '../api-client.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

interface Entry {
  action: string;
  details: { count: number; filter: Record<string, string> };
}

test('the audit trail says how many texts went where, also of a worker that has stopped', async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  const simulator = await startSimulator();
  const redis = new Redis(env.REDIS_URL);
  try {
    const [api, worker] = await Promise.all([
      startApi({ ...env, AUDIT_TOTALS_EVERY: '1s' }),
      startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl }),
    ]);
    const user = await signUp(api.url);
    for (const message of ['Is tea healthy?', 'Is water healthy?', 'Is tea healthy?'])
      expect((await user.send({ message }, { Prefer: 'wait=30' })).body.status).toBe('completed');
    await worker.stop();
    const sent = await until('both calls are in the trail', async () => {
      const entries = (await redis.xrange(AUDIT_TRAIL_KEY, '-', '+'))
        .map(([, fields]) => JSON.parse(fields[3]!) as Entry)
        .filter(({ action }) => action === 'text.send');
      return entries.reduce((sum, { details }) => sum + details.count, 0) >= 2 && entries;
    });
    // The third answer came from the cache.
    expect((await simulator.stats()).started).toBe(2);
    expect(sent.reduce((sum, { details }) => sum + details.count, 0)).toBe(2);
    for (const { details } of sent) expect(details.filter).toEqual({ provider: 'simulator', region: 'unknown' });
    expect(JSON.stringify(sent)).not.toContain('healthy');
  } finally {
    redis.disconnect();
    await simulator.stop();
  }
});

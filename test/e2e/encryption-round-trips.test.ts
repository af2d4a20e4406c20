import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signUp } from '../api-client.ts';
import { startApi, startWorker } from '../processes.ts';
import { startRedisMonitor } from '../redis-monitor.ts';
import { newMasterKey } from '../seals.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

test('the key of a user costs the first question four commands of Redis, and later ones none', async () => {
  const env = {
    ...{ RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), ENCRYPTION_KEYS: newMasterKey() },
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  };
  const [api] = await Promise.all([startApi(env), startWorker(env)]);
  const user = await signUp(api.url);
  const monitor = await startRedisMonitor(env.REDIS_URL);
  for (let i = 0; i < 5; i++) {
    const { body } = await user.send({ message: `Is ${i} healthy?` }, { Prefer: 'wait=20' });
    expect(body.status).toBe('completed');
    expect(monitor.commands().join('\n')).toContain(body.requestId);
  }
  // The monitor also sees what others ask this Redis.
  const ofUser = monitor.commands().filter((line) => line.includes(`"keys:data:user:${user.userId}"`));
  monitor.stop();
  // The api looks for the key, makes one, and reads which one there is now. The worker looks for it.
  const commands = ofUser.map((line) => /"(\w+)" "keys:data:/.exec(line)?.[1]?.toLowerCase());
  expect(commands).toEqual(['get', 'set', 'get', 'get']);
}, 120_000);

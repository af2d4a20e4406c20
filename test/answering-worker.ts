import { afterAll } from '@jest/globals';
import { startWorker } from './processes.ts';
import { startQueueClient } from './queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from './services.ts';
import { startSimulator, type TestSimulator } from './start-simulator.ts';

const simulators: TestSimulator[] = [];
afterAll(() => Promise.all(simulators.map((simulator) => simulator.stop())));

/**
 * A worker process with a virtual host and a database of its own, the simulator that it asks, and a client that sends
 * requests and reads the answers. All of them end with the test file.
 * @param env settings of the worker. RABBITMQ_URL and REDIS_URL may name other servers
 */
export async function startAnsweringWorker(env: Record<string, string> = {}) {
  const { RABBITMQ_URL: rabbitMqUrl = await testRabbitMqUrl(), REDIS_URL: redisUrl = await testRedisUrl() } = env;
  const simulator = await startSimulator();
  simulators.push(simulator);
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  const worker = await startWorker({
    ...env,
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  });
  return { rabbitMqUrl, redisUrl, simulator, client, worker };
}

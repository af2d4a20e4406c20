import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signUp } from '../api-client.ts';
import { startOtlpCollector } from '../otlp-collector.ts';
import { startApi, startWorker } from '../processes.ts';
import { serve } from '../scripted-provider.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const LIST_LOADED = join(import.meta.dirname, '../observability/traces/list-loaded-modules.mjs');

let simulator: TestSimulator;

beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator?.stop());

async function startBoth(env: Record<string, string>) {
  const both = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), ...env };
  return await Promise.all([startApi(both), startWorker({ ...both, MODEL_SIMULATOR_URL: simulator.baseUrl })]);
}

/** Starts both processes, has a question answered, and lists the modules of OpenTelemetry’s SDK that were loaded. */
async function loadedOfTheSdk(env: Record<string, string>): Promise<string[]> {
  const list = join(tmpdir(), `loaded-${randomUUID()}`);
  const [api] = await startBoth({ ...env, NODE_OPTIONS: `--import=${LIST_LOADED}`, LOADED_MODULES_FILE: list });
  const user = await signUp(api.url);
  expect((await user.send({ message: 'Is milk healthy?' }, { Prefer: 'wait=20' })).body.status).toBe('completed');
  const loaded = (await readFile(list, 'utf8')).split('\n');
  expect(loaded.some((url) => url.endsWith('/src/main/worker.ts'))).toBe(true);
  // prom-client loads the api's interfaces, which do nothing by themselves.
  return loaded.filter((url) => url.includes('/@opentelemetry/') && !url.includes('/@opentelemetry/api/'));
}

test('without a collector nothing of OpenTelemetry’s SDK is loaded', async () => {
  expect(await loadedOfTheSdk({})).toEqual([]);
});

test('with a collector its SDK is loaded', async () => {
  const collector = await startOtlpCollector();
  try {
    const loaded = await loadedOfTheSdk(collector.env);
    expect(loaded.some((url) => url.includes('/@opentelemetry/sdk-trace/'))).toBe(true);
  } finally {
    await collector.stop();
  }
});

/** One never replies, the other is not there. */
test.each(['silent', 'away'])(
  'a collector that is %s holds up neither an answer nor the end of a process',
  async (how) => {
    const collector = await serve(() => {});
    if (how === 'away') await collector.stop();
    try {
      const [api, worker] = await startBoth({
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.baseUrl.replace('/v1', ''),
        OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
        OTEL_BSP_SCHEDULE_DELAY: '10',
        OTEL_BSP_MAX_QUEUE_SIZE: '512',
        RATE_SEND_PER_MINUTE: '1000',
      });
      const user = await signUp(api.url);
      // Each question has about ten spans in the worker: more than there is room for.
      const replies = await Promise.all(
        Array.from({ length: 100 }, () => user.send({ message: `Is ${randomUUID()} healthy?` }, { Prefer: 'wait=20' })),
      );
      expect(new Set(replies.map(({ status, body }) => `${status} ${body.status}`))).toEqual(
        new Set(['200 completed']),
      );
      await until('the worker says so', () => worker.output().includes('the collector takes no spans'));

      await Promise.all([api.stop(), worker.stop()]);
      expect(worker.output()).toContain('"msg":"stopped"');
      expect(api.output()).toContain('"msg":"stopped"');
    } finally {
      if (how !== 'away') await collector.stop();
    }
  },
);

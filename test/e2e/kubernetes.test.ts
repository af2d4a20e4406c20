import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../tools/helm/render-chart.ts';
import { signUp } from '../api-client.ts';
import {
  containerOf,
  environmentOf,
  type ProcessName,
  processes,
  render,
  withHelm,
  writeSecrets,
} from '../deploy/rendered-chart.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';

const TOKEN = 'the-token-of-this-test';

/** As the pods run, without the pods: a cluster is more than the tests can start. */
withHelm('api and worker with the settings of the Helm chart, and with the files of its Secrets', () => {
  let secretsDir: string;
  let objects: KubernetesObject[];
  let running: Record<ProcessName, TestProcess>;

  beforeAll(async () => {
    const [rabbitMqUrl, redisUrl, simulator] = await Promise.all([
      testRabbitMqUrl(),
      testRedisUrl(),
      startSimulatorProcess(),
    ]);
    secretsDir = writeSecrets({
      RABBITMQ_URL: rabbitMqUrl,
      REDIS_URL: redisUrl,
      MESSAGE_SIGNING_KEY,
      JWT_SECRET: 'known-to-each-api-of-this-test-'.padEnd(48, '-'),
      OPENAI_API_KEY: 'sk-of-this-test',
      METRICS_TOKEN: TOKEN,
    });
    objects = render({
      values: stringify({
        env: { METRICS_TOKEN_FILE: '/run/secrets/healify-chat/METRICS_TOKEN' },
        worker: { env: { OPENAI_BASE_URL: simulator.url } },
      }),
    });
    // The image sets NODE_ENV.
    const settingsOf = (process: ProcessName) => ({
      NODE_ENV: 'production',
      ...environmentOf(objects, process, secretsDir),
    });
    const [api, worker] = await Promise.all([startApi(settingsOf('api')), startWorker(settingsOf('worker'))]);
    running = { api, worker };
  });
  afterAll(() => rmSync(secretsDir, { recursive: true, force: true }));

  test('answer a question', async () => {
    const user = await signUp(running.api.url);
    const { status, body } = await user.send({ message: 'How much water a day?' }, { Prefer: 'wait=20' });
    expect([status, body.status]).toEqual([200, 'completed']);
  });

  test.each(processes)(
    '%s: its probes find that it is well, and only Prometheus reads its metrics',
    async (process) => {
      const { url, metricsUrl } = running[process];
      const { startupProbe, livenessProbe, readinessProbe } = containerOf(objects, process);
      for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe])
        expect([httpGet.path, (await fetch(url + httpGet.path)).status]).toEqual([httpGet.path, 200]);
      const statusOf = async (headers: Record<string, string>) => (await fetch(metricsUrl, { headers })).status;
      expect([await statusOf({}), await statusOf({ Authorization: `Bearer ${TOKEN}` })]).toEqual([401, 200]);
    },
  );

  test.each(processes)('%s: ends in order when Kubernetes stops its pod', async (process) => {
    await running[process].stop();
    expect(running[process].exitCode).toBe(0);
  });
});

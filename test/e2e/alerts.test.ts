import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { freePort } from '../../tools/services/free-port.ts';
import { startAlertmanager, startPrometheus } from '../../tools/services/monitoring.ts';
import { signUp } from '../api-client.ts';
import { deriveAlertmanager, derivePrometheus } from '../deploy/derived-configuration.ts';
import { startWebhook } from '../deploy/webhook.ts';
import { withMonitoring } from '../deploy/with-monitoring.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

/** More than the thousand of HealifyQueueDepth. */
const QUESTIONS = 1_200;
const AT_A_TIME = 40;

withMonitoring('a real Prometheus and a real Alertmanager', (programs) => {
  const dir = mkdtempSync(join(tmpdir(), 'healify-alert-'));
  const started: { stop(): Promise<void> }[] = [];

  afterAll(async () => {
    await Promise.all(started.map((each) => each.stop()));
    rmSync(dir, { recursive: true, force: true });
  });

  test('the operator is paged when the worker stops under load, and told when it has caught up', async () => {
    const simulator = await startSimulator();
    const webhook = await startWebhook();
    started.push(simulator, webhook);
    const settings = {
      RABBITMQ_URL: await testRabbitMqUrl(),
      REDIS_URL: await testRedisUrl(),
      MODEL_SIMULATOR_URL: simulator.baseUrl,
      JWT_SECRET: 'a-secret-of-this-test-of-32-characters-or-more',
      RATE_SEND_PER_MINUTE: '100000',
      // Without a worker for so long, the api could refuse questions that would end after their deadline.
      REQUEST_DEADLINE: '24h',
      STORE_TIMEOUT: '60s',
    };
    const api = await startApi(settings);
    // Prometheus finds the worker of later at the same port.
    const metricsPort = String(await freePort());
    const worker = await startWorker({ ...settings, WORKER_METRICS_PORT: metricsPort });
    const user = await signUp(api.url);

    const [port, alertmanagerPort] = [await freePort(), await freePort()];
    const alertmanager = deriveAlertmanager({ dir, webhook: webhook.url });
    started.push(
      await startAlertmanager({
        command: programs.alertmanager,
        dir: join(dir, 'alertmanager'),
        configFile: alertmanager,
        port: alertmanagerPort,
      }),
    );
    const prometheus = derivePrometheus({
      dir,
      targets: { 'healify-api': [new URL(api.metricsUrl).host], 'healify-worker': [`127.0.0.1:${metricsPort}`] },
      alertmanager: `127.0.0.1:${alertmanagerPort}`,
    });
    started.push(
      await startPrometheus({
        command: programs.prometheus,
        dir: join(dir, 'prometheus'),
        configFile: prometheus,
        port,
        env: { ...process.env, RUNBOOK_BASE_URL: 'https://runbooks.example/' },
      }),
    );
    const firing = async () => {
      const { data } = (await (await fetch(`http://127.0.0.1:${port}/api/v1/alerts`)).json()) as {
        data: { alerts: { state: string; labels: { alertname: string } }[] };
      };
      return data.alerts.map(({ labels }) => labels.alertname);
    };
    const scrapes = `http://127.0.0.1:${port}/api/v1/query?query=count(healify:broker_queue_messages:max)`;
    await until('Prometheus has seen the queues', async () => /"value"/.test(await (await fetch(scrapes)).text()));
    // Before its first scrape it has seen neither api nor worker.
    await until('nothing fires', async () => (await firing()).length === 0);

    const ask = async (count: number) => {
      for (let asked = 0; asked < count; asked += AT_A_TIME) {
        const sent = await Promise.all(Array.from({ length: AT_A_TIME }, () => user.send({ message: 'How are you?' })));
        for (const { status, body } of sent) expect([status, body]).toEqual([202, expect.anything()]);
      }
    };
    await ask(2 * AT_A_TIME);
    await worker.stop();
    await ask(QUESTIONS);
    const paged = await until('the page', () => webhook.latest('page', 'HealifyQueueDepth'));
    expect(paged).toMatchObject({
      status: 'firing',
      labels: { queue: 'chat_requests', severity: 'critical' },
      annotations: {
        summary: expect.stringMatching(/^1\d{3} messages wait in chat_requests\.$/),
        runbook_url: 'https://runbooks.example/docs/runbooks/HealifyQueueDepth.md',
      },
    });
    expect(paged?.labels).not.toHaveProperty('runbook_base_url');
    await until('the worker is missed', () => webhook.latest('page', 'HealifyWorkerMissing'));

    await startWorker({ ...settings, WORKER_METRICS_PORT: metricsPort });
    for (const alert of ['HealifyQueueDepth', 'HealifyWorkerMissing'])
      await until(`${alert} is over`, () => webhook.latest('page', alert)?.status === 'resolved', 60_000);
  }, 180_000);
});

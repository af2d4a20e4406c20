import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bindVariables, listPanels } from '../../dashboards/source/list-panels.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { commandOf, startPrometheus, startRedisExporter } from '../../tools/services/monitoring.ts';
import { programs } from '../../tools/services/programs.ts';
import { startRabbitMq } from '../../tools/services/rabbitmq.ts';
import { derivePrometheus } from '../deploy/derived-configuration.ts';
import { type Selector, selectorsIn } from '../deploy/promql-selectors.ts';
import { rules } from '../deploy/rule-files.ts';
import { withMonitoring } from '../deploy/with-monitoring.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { createRounds } from './rounds.ts';

const NO_MONGODB = 'history is in Redis here; test/e2e/mongodb.test.ts looks at these metrics';

/** What this stack cannot show, with the reason. */
const ABSENT: Record<string, string> = {
  redis_master_link_up: 'it is shown by replicas only',
  redis_connected_slave_lag_seconds: 'there is no replica',
  rabbitmq_unreachable_cluster_peers_count: 'RabbitMQ shows it since 4.0',
  healify_certificate_expiry_timestamp_seconds: 'nothing has TLS; test/deploy/tls.test.ts looks at it',
  healify_audit_entries_lost_total: 'no entry is lost; test/adapters/audit/audit-trail.test.ts loses some',
  healify_dead_letters_expired_total: 'no letter is too old; in test/e2e/retention.test.ts some are',
  healify_mongodb_command_seconds_count: NO_MONGODB,
  healify_mongodb_command_seconds_sum: NO_MONGODB,
};

const isAbsent = ({ metric, matchers }: Selector) => metric in ABSENT || matchers.includes('server="mongodb"');

const rabbitMqIsHere = programs().rabbitMqServer !== undefined;
const exporter = commandOf('redisExporter');
const leftOut = !rabbitMqIsHere
  ? 'RabbitMQ is not installed on this machine'
  : exporter === undefined && 'prometheus-redis-exporter is missing';
if (leftOut) process.stdout.write(`the queries of dashboards and rules: left out, because ${leftOut}\n`);

if (!leftOut)
  withMonitoring('Prometheus beside the whole product, under traffic with failures', ({ prometheus }) => {
    const dir = mkdtempSync(join(tmpdir(), 'healify-queries-'));
    const stops: (() => Promise<void>)[] = [];
    let query: (expr: string) => Promise<number[]>;
    let round: () => Promise<void>;

    beforeAll(async () => {
      const [rabbitMq, redisUrl, simulator] = await Promise.all([
        startRabbitMq({ dir: join(dir, 'rabbitmq'), metrics: true }),
        testRedisUrl(),
        startSimulator(),
      ]);
      stops.push(rabbitMq.kill, simulator.stop);
      const settings = {
        RABBITMQ_URL: rabbitMq.url,
        JOB_SHARDS: '2',
        REDIS_URL: redisUrl,
        MODEL_SIMULATOR_URL: simulator.baseUrl,
        JWT_SECRET: 'a-secret-of-this-test-of-32-characters-or-more',
        RATE_SEND_PER_MINUTE: '200',
        RETRY_BASE: '50ms',
        WORKER_CONCURRENCY: '4',
        PRICE_PROMPT: '1',
        PRICE_COMPLETION: '2',
      };
      const [api, worker] = await Promise.all([startApi(settings), startWorker(settings)]);
      const [port, exporterPort] = [await freePort(), await freePort()];
      const redisExporter = await startRedisExporter({ command: exporter!, dir, redisUrl, port: exporterPort });
      stops.push(redisExporter.stop);
      const configFile = derivePrometheus({
        dir,
        targets: {
          'healify-api': [new URL(api.metricsUrl).host],
          'healify-worker': [new URL(worker.metricsUrl).host],
          rabbitmq: [rabbitMq.metricsAddress!],
          redis: [`127.0.0.1:${exporterPort}`],
        },
        // Nobody is told.
        alertmanager: `127.0.0.1:${await freePort()}`,
      });
      const server = await startPrometheus({ command: prometheus, dir: join(dir, 'prometheus'), configFile, port });
      stops.push(server.stop);
      query = async (expr) => {
        const body = new URLSearchParams({ query: expr });
        const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, { method: 'POST', body });
        const { data, error } = (await response.json()) as {
          data?: { result: { value: [number, string] }[] };
          error?: string;
        };
        if (!data) throw new Error(`${expr}: ${error}`);
        // 0/0 is no data.
        return data.result.map(({ value }) => Number(value[1])).filter((value) => !Number.isNaN(value));
      };
      round = await createRounds({ api, rabbitMq });
    }, 150_000);

    afterAll(async () => {
      await Promise.all(stops.map((stop) => stop()));
      rmSync(dir, { recursive: true, force: true });
    });

    /** Sends traffic until all queries have data. */
    async function allHaveData(queries: Map<string, string>): Promise<void> {
      const missing = new Map(queries);
      const deadline = Date.now() + 60_000;
      do {
        await round();
        // Prometheus looks once a second, and the users of the test have limits.
        await sleep(3_000);
        for (const [name, expr] of missing) if ((await query(expr)).length > 0) missing.delete(name);
      } while (missing.size > 0 && Date.now() < deadline);
      expect(Object.fromEntries(missing)).toEqual({});
    }

    test('each query of each panel, and each rule, has data', async () => {
      const queries = new Map<string, string>();
      for (const { dashboard, title, queries: ofPanel } of listPanels()) {
        for (const { expr, legend } of ofPanel.filter((each) => !selectorsIn(each.expr).some(isAbsent)))
          queries.set(`${dashboard}: ${title}: ${legend}`, bindVariables(expr, '1m'));
      }
      for (const { record } of rules) if (record) queries.set(record, record);
      for (const { alert, expr } of rules) {
        // What an alert compares. Whether it fires is tested elsewhere.
        if (alert)
          for (const { metric, matchers } of selectorsIn(expr).filter((selector) => !isAbsent(selector)))
            queries.set(`${alert}: ${metric}${matchers}`, `${metric}${matchers}`);
      }
      await allHaveData(queries);
    }, 180_000);
  });

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { loadApiConfig, loadWorkerConfig } from '../../src/config/load.ts';
import { CHART, FULL_VALUES, type KubernetesObject } from '../../tools/helm/render-chart.ts';
import {
  containerOf,
  environmentOf,
  named,
  type ProcessName,
  podOf,
  portsOf,
  processes,
  render,
  withHelm,
  writeSecrets,
} from './rendered-chart.ts';
import { root, ruleFiles } from './rule-files.ts';
import { withMonitoring } from './with-monitoring.ts';

const full = { valuesFiles: [FULL_VALUES] };
const renderings = { defaults: {}, 'everything switched on': full };

const SECRETS = {
  RABBITMQ_URL: 'amqps://user:password@rabbitmq:5671',
  RABBITMQ_MANAGEMENT_URL: 'https://user:password@rabbitmq:15671',
  REDIS_URL: 'rediss://:password@redis:6379',
  MONGODB_URL: 'mongodb://user:password@mongodb/healify?tls=true',
  MESSAGE_SIGNING_KEY: 'a key of production that is long enough',
  JWT_SECRET: 'a secret of production that is long enough',
  OPENAI_API_KEY: 'sk-of-production',
  OTHER_API_KEY: 'sk-of-a-fallback',
  METRICS_TOKEN: 'a-token-that-is-long-enough',
  'redis-ca.pem': 'a certificate',
};

withHelm('the Helm chart', () => {
  let secretsDir: string;

  beforeAll(() => {
    secretsDir = writeSecrets(SECRETS);
  });
  afterAll(() => rmSync(secretsDir, { recursive: true }));

  describe.each(Object.entries(renderings))('with %s', (_, rendering) => {
    let objects: KubernetesObject[];
    beforeAll(() => {
      objects = render(rendering);
    });

    test('api and worker accept the settings, and listen on the ports that the pods name', () => {
      const api = loadApiConfig(environmentOf(objects, 'api', secretsDir));
      const worker = loadWorkerConfig(environmentOf(objects, 'worker', secretsDir));
      expect(portsOf(objects, 'api')).toEqual({ http: api.apiPort, metrics: api.apiMetricsPort });
      expect(portsOf(objects, 'worker')).toEqual({ http: worker.workerPort, metrics: worker.workerMetricsPort });
      // Prometheus is in another pod.
      expect([api.host, api.metricsHost, worker.metricsHost]).toEqual(['0.0.0.0', '0.0.0.0', '0.0.0.0']);
      expect([api.nodeEnv, worker.nodeEnv]).toEqual(['production', 'production']);
    });

    test.each(processes)('%s: what belongs to a pod finds it', (process) => {
      const { labels } = podOf(objects, process).metadata;
      const service = named(objects, 'Service', process);
      for (const selector of [
        named(objects, 'Deployment', process).spec.selector.matchLabels,
        service.spec.selector,
        named(objects, 'PodDisruptionBudget', process).spec.selector.matchLabels,
        named(objects, 'NetworkPolicy', process).spec.podSelector.matchLabels,
        ...podOf(objects, process).spec.topologySpreadConstraints.map(
          (each: { labelSelector: { matchLabels: object } }) => each.labelSelector.matchLabels,
        ),
      ]) {
        expect(labels).toMatchObject(selector);
        expect(selector).toMatchObject({ 'app.kubernetes.io/component': process });
      }
      for (const { port, targetPort } of service.spec.ports) expect(portsOf(objects, process)[targetPort]).toBe(port);
    });

    test.each(processes)('%s: a pod may do nothing that it need not', (process) => {
      const { spec } = podOf(objects, process);
      const account = objects.find(({ kind }) => kind === 'ServiceAccount')!;
      expect(spec.serviceAccountName).toBe(account.metadata.name);
      expect([account.automountServiceAccountToken, spec.automountServiceAccountToken]).toEqual([false, false]);
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of spec.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources.limits.memory).toBeDefined();
      }
    });

    test('only Prometheus may connect to a worker, and only a worker to the provider', () => {
      const { ingress } = named(objects, 'NetworkPolicy', 'worker').spec;
      expect(ingress).toEqual([{ ports: [{ port: 'metrics' }], from: [expect.anything()] }]);
      const toInternet = (process: ProcessName) =>
        named(objects, 'NetworkPolicy', process).spec.egress.filter((rule: object) =>
          JSON.stringify(rule).includes('0.0.0.0/0'),
        ).length;
      expect([toInternet('api'), toInternet('worker')]).toEqual([0, 1]);
    });
  });

  test.each([
    ['20s', 20],
    ['1500ms', 2],
    ['2m', 120],
    ['1h', 3600],
  ])('with a grace period of %s, Kubernetes kills no pod that still stops in order', (shutdownGrace, seconds) => {
    const objects = render({ values: stringify({ shutdownGrace }) });
    for (const process of processes) {
      const { terminationGracePeriodSeconds, containers } = podOf(objects, process).spec;
      // `docs/operating.md`: ten seconds more than the grace period, and the process is told only after `preStop`.
      expect(terminationGracePeriodSeconds).toBe(containers[0].lifecycle.preStop.sleep.seconds + seconds + 10);
      expect(environmentOf(objects, process, secretsDir).SHUTDOWN_GRACE).toBe(shutdownGrace);
    }
  });

  test('a pod runs the program that docker-compose runs', () => {
    const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
    const [, imageRuns] = /^CMD (.*)$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))!;
    const argsOf = (process: ProcessName) => containerOf(render({}), process).args;
    expect(argsOf('worker')).toEqual(services.worker.command);
    expect(argsOf('api') ?? JSON.parse(imageRuns!)).toEqual(services.api.command);
  });

  test.each([
    ['api', {}, ['healify-chat-api']],
    ['worker', {}, ['healify-chat-worker']],
    ['api', full, ['healify-chat-api', 'redis-ca']],
    ['worker', full, ['healify-chat-worker', 'redis-ca']],
  ] as const)(
    'the pods of the %s read the Secrets that are named for them, and no other',
    (process, rendering, names) => {
      const { volumes } = podOf(render(rendering), process).spec;
      expect(volumes.map(({ name }: { name: string }) => name)).toEqual(['secrets']);
      expect(volumes[0].projected.sources).toEqual(names.map((name) => ({ secret: { name } })));
    },
  );

  test('the rules are those of deploy/prometheus, with the address of the runbooks', () => {
    const address = '{{ $externalLabels.runbook_base_url }}';
    const shipped = ruleFiles.flatMap((file) => parse(readFileSync(file, 'utf8')).groups);
    const groupsOf = (objects: KubernetesObject[]) =>
      objects.find(({ kind }) => kind === 'PrometheusRule')!.spec.groups;
    expect(groupsOf(render({ values: 'monitoring: { enabled: true }' }))).toEqual(shipped);
    const moved = JSON.stringify(shipped).replaceAll(address, 'https://chat.example.com/');
    expect(groupsOf(render(full))).toEqual(JSON.parse(moved));
  });

  test('the dashboards are those of the repository', () => {
    const found = render(full)
      .filter(({ kind }) => kind === 'ConfigMap')
      .map(({ data }) => data);
    const shipped = globSync('dashboards/*.json', { cwd: root })
      .sort()
      .map((file) => ({ [basename(file)]: readFileSync(join(root, file), 'utf8') }));
    expect(found).toEqual(shipped);
  });

  test('Prometheus scrapes both processes under the names that rules and dashboards ask for, with the token', () => {
    const objects = render(full);
    for (const process of processes) {
      const { spec } = named(objects, 'ServiceMonitor', process);
      const service = named(objects, 'Service', process);
      expect(service.metadata.labels).toMatchObject(spec.selector.matchLabels);
      expect(service.spec.ports.map(({ name }: { name: string }) => name)).toContain(spec.endpoints[0].port);
      expect(spec.endpoints[0]).toMatchObject({
        relabelings: [{ targetLabel: 'job', replacement: `healify-${process}` }],
        authorization: { credentials: { name: 'healify-chat-api', key: 'METRICS_TOKEN' } },
      });
    }
  });

  test('autoscalers scale the Deployments, which then do not say how many pods there are', () => {
    const objects = render(full);
    const deployment = (process: ProcessName) => named(objects, 'Deployment', process);
    expect(named(objects, 'HorizontalPodAutoscaler', 'api').spec.scaleTargetRef.name).toBe(
      deployment('api').metadata.name,
    );
    expect(named(objects, 'ScaledObject', 'worker').spec.scaleTargetRef.name).toBe(deployment('worker').metadata.name);
    for (const process of processes) {
      expect(deployment(process).spec.replicas).toBeUndefined();
      expect(named(render({}), 'Deployment', process).spec.replicas).toBe(2);
    }
  });

  test.each([
    ['a setting that does not exist', 'env: { REDIS_ULR_FILE: /x }', 'REDIS_ULR_FILE'],
    ['a setting that this process does not read', 'worker: { env: { SHED_ABOVE: "5" } }', 'SHED_ABOVE'],
    ['a secret', 'worker: { env: { OPENAI_API_KEY: sk-x } }', 'OPENAI_API_KEY'],
    ['the token of the metrics', 'env: { METRICS_TOKEN: a-token-that-is-long-enough }', 'METRICS_TOKEN'],
    ['what the chart decides itself', 'api: { env: { API_PORT: "8080" } }', 'API_PORT'],
    ['a number, which YAML could change', 'api: { env: { SHED_ABOVE: 10000000 } }', 'got number, want string'],
    ['a value that does not exist', 'worker: { minReplicas: 3 }', 'minReplicas'],
    ['a rule that would allow everything', 'networkPolicy: { egress: { redis: { to: [] } } }', 'minItems'],
  ])('helm refuses %s', (_, values, said) => {
    expect(() => render({ values })).toThrow(said);
  });

  test('the values in the document for operators are accepted', () => {
    const document = readFileSync(join(root, 'docs/kubernetes.md'), 'utf8');
    const blocks = [...document.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml]) => yaml!);
    const values = blocks.filter((block) => !/^kind:/m.test(block));
    expect(values.length).toBeGreaterThan(1);
    for (const each of values) expect(render({ values: each }).length).toBeGreaterThan(8);
  });

  withMonitoring('Prometheus', ({ promtool }) => {
    const inFile = (content: object, ...command: string[]) => {
      const file = join(secretsDir, 'promtool.json');
      // JSON is YAML, too.
      writeFileSync(file, JSON.stringify(content));
      const { status, stdout, stderr } = spawnSync(promtool, [...command, file], { encoding: 'utf8' });
      return { status, output: stdout + stderr };
    };

    test('accepts the rules', () => {
      const { spec } = render(full).find(({ kind }) => kind === 'PrometheusRule')!;
      expect(inFile(spec, 'check', 'rules', '--lint-fatal')).toMatchObject({ status: 0 });
    });

    const shownBy = (
      instance: string,
      namespace: string,
      values: { messages: number; jobs: Record<string, number> },
    ) => [
      {
        series: `healify_broker_queue_messages{queue="chat_requests",instance="${instance}",namespace="${namespace}"}`,
        values: `${values.messages}`,
      },
      {
        series: `healify_broker_queue_messages{queue="chat_responses",instance="${instance}",namespace="${namespace}"}`,
        values: '1000',
      },
      ...Object.entries(values.jobs).map(([state, jobs]) => ({
        series: `healify_jobs{state="${state}",instance="${instance}",namespace="${namespace}"}`,
        values: `${jobs}`,
      })),
    ];
    const line = { messages: 700, jobs: { prioritized: 200, wait: 5, active: 100, delayed: 40, completed: 900 } };

    test.each([
      [
        'once what waits and what is worked on, however many processes show it',
        [...shownBy('api-1', 'assistants', line), ...shownBy('worker-1', 'assistants', line)],
        [1005],
      ],
      ['no other installation', shownBy('api-1', 'other', line), []],
      [
        'no retry that waits for its time',
        shownBy('api-1', 'assistants', { messages: 0, jobs: { delayed: 40, active: 0 } }),
        [0],
      ],
    ])('the query by which workers are scaled counts %s', (_, input_series, values) => {
      const { query } = named(render(full), 'ScaledObject', 'worker').spec.triggers[0].metadata;
      const exp_samples = values.map((value) => ({ labels: '{}', value }));
      const tests = [{ input_series, promql_expr_test: [{ expr: query, eval_time: '0m', exp_samples }] }];
      expect(inFile({ tests }, 'test', 'rules')).toMatchObject({
        status: 0,
        output: expect.stringContaining('SUCCESS'),
      });
    });
  });
});

test('the chart belongs to this version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')).appVersion).toBe(version);
});

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { alertCases, type Case } from './alert-cases.ts';
import { selectorsIn } from './promql-selectors.ts';
import { alertNames, alerts, root, ruleFiles, rules } from './rule-files.ts';
import { withMonitoring } from './with-monitoring.ts';

const dir = mkdtempSync(join(tmpdir(), 'healify-alerts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

withMonitoring('the rules', ({ promtool }) => {
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(promtool, args, { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };

  test('promtool accepts the configuration and all rules', () => {
    const config = join(root, 'deploy/prometheus/prometheus.yml');
    // Files that it names are there only in the container, so they are not looked for.
    expect(run('check', 'config', '--syntax-only', config)).toMatchObject({ status: 0 });
    expect(run('check', 'rules', '--lint-fatal', ...ruleFiles)).toMatchObject({ status: 0 });
  });

  const inPromtoolsWords = (alert: string, { series, at, interval = '1m', labels }: Case, fires: boolean) => {
    const selector = `ALERTS{alertname="${alert}",alertstate="firing"${labels ? `,${labels}` : ''}}`;
    return {
      interval,
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        { expr: `count(${selector}) > bool 0`, eval_time: at, exp_samples: fires ? [{ labels: '{}', value: 1 }] : [] },
      ],
    };
  };

  describe.each(alertNames)('%s', (alert) => {
    const { fires, silent } = alertCases[alert] ?? { fires: {}, silent: {} };
    const check = (one: Case, shouldFire: boolean) => {
      const file = join(dir, 'case.json');
      // JSON is YAML, too.
      const tests = [inPromtoolsWords(alert, one, shouldFire)];
      writeFileSync(file, JSON.stringify({ rule_files: ruleFiles, evaluation_interval: one.interval ?? '1m', tests }));
      expect(run('test', 'rules', file)).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') });
    };
    test.each(Object.entries(fires))('fires: %s', (_, one) => check(one, true));
    test.each(Object.entries(silent))('stays silent: %s', (_, one) => check(one, false));
  });
});

test('each alert is seen to fire and to stay silent', () => {
  expect(Object.keys(alertCases).sort()).toEqual([...alertNames].sort());
  for (const { fires, silent } of Object.values(alertCases)) {
    expect(Object.keys(fires)).not.toEqual([]);
    expect(Object.keys(silent)).not.toEqual([]);
  }
});

test('each alert says whom it wakes, what it belongs to, whose outage explains it, and what to do', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(labels).toEqual({
      severity: expect.stringMatching(/^(critical|warning)$/),
      subject: expect.stringMatching(/^[a-z-]+$/),
      follows: expect.stringMatching(
        /^(none|(rabbitmq|redis|mongodb|worker|provider)(-(rabbitmq|redis|mongodb|worker|provider))*)$/,
      ),
      ...(labels.speed && { speed: expect.stringMatching(/^(fast|medium|slow)$/) }),
    });
    expect(annotations).toEqual({
      summary: expect.any(String),
      runbook_url: `{{ $externalLabels.runbook_base_url }}docs/runbooks/${alert}.md`,
    });
  }
});

test('each runbook says what the alert means for users, where it is seen, how to confirm it, what to do, and what not to do', () => {
  for (const alert of alertNames) {
    const file = join(root, 'docs/runbooks', `${alert}.md`);
    expect([file, existsSync(file)]).toEqual([file, true]);
    const text = readFileSync(file, 'utf8');
    expect(text.match(/^#+ .*$/gm)).toEqual([
      `# ${alert}`,
      '## What it means for users',
      '## Where to see it',
      '## How to confirm it',
      '## What to do',
      '## What not to do',
    ]);
  }
});

test('rules ask only for metrics that there are', () => {
  const ours = readFileSync(join(root, 'docs/metrics.md'), 'utf8').match(/(?<=`)[a-z][a-z\d_]*(?=[`{])/g) ?? [];
  const known = new Set([...ours, ...others, ...rules.map(({ record }) => record), ...parts(ours)]);
  for (const { expr } of rules) {
    for (const { metric } of selectorsIn(expr)) expect([metric, known.has(metric)]).toEqual([metric, true]);
  }
});

/** The series of histograms. */
const parts = (names: string[]) => names.flatMap((name) => [`${name}_bucket`, `${name}_count`, `${name}_sum`]);

/** Metrics of Prometheus itself, of redis_exporter and of rabbitmq_prometheus, as they were read from these programs. */
const others = [
  'up',
  'rabbitmq_alarms_file_descriptor_limit',
  'rabbitmq_alarms_free_disk_space_watermark',
  'rabbitmq_alarms_memory_used_watermark',
  'rabbitmq_connections_opened_total',
  'rabbitmq_raft_term_total',
  // Since RabbitMQ 4.0.
  'rabbitmq_unreachable_cluster_peers_count',
  'redis_aof_enabled',
  'redis_aof_last_bgrewrite_status',
  'redis_aof_last_write_status',
  'redis_connected_slave_lag_seconds',
  'redis_connected_slaves',
  'redis_evicted_keys_total',
  'redis_master_link_up',
  'redis_memory_max_bytes',
  'redis_memory_used_bytes',
  'redis_rdb_last_bgsave_status',
  'redis_total_system_memory_bytes',
  'redis_up',
];

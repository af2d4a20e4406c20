import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { freePort } from '../../tools/services/free-port.ts';
import { startAlertmanager } from '../../tools/services/monitoring.ts';
import type { Service } from '../../tools/services/service.ts';
import { until } from '../until.ts';
import { deriveAlertmanager } from './derived-configuration.ts';
import { alerts } from './rule-files.ts';
import { startWebhook } from './webhook.ts';
import { withMonitoring } from './with-monitoring.ts';

withMonitoring('Alertmanager', ({ alertmanager: command }) => {
  let dir: string;
  let webhook: Awaited<ReturnType<typeof startWebhook>>;
  let alertmanager: Service;
  let url: string;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'healify-alertmanager-'));
    webhook = await startWebhook();
    const port = await freePort();
    const configFile = deriveAlertmanager({ dir, webhook: webhook.url });
    alertmanager = await startAlertmanager({ command, dir, configFile, port });
    url = `http://127.0.0.1:${port}/api/v2/alerts`;
  });

  afterEach(async () => {
    await alertmanager.kill();
    await webhook.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Alerts with the labels of the rule, as Prometheus sends them. */
  const fire = async (...fired: { alert: string; labels?: Record<string, string> }[]) => {
    const body = fired.map(({ alert, labels }) => ({
      labels: { ...alerts.find((rule) => rule.alert === alert)!.labels, ...labels, alertname: alert },
    }));
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
  };

  /** How many alerts Alertmanager has decided about, and which of them are held back. */
  const states = async () => {
    const all = (await (await fetch(url)).json()) as { status: { state: string }; labels: Record<string, string> }[];
    return all.map(({ status, labels }) => [labels.alertname!, status.state]);
  };

  const explainedBy = (name: string) =>
    alerts.filter(({ labels }) => labels.follows!.split('-').includes(name)).map(({ alert }) => ({ alert: alert! }));

  test.each([
    ['HealifyRabbitMqDown', 'rabbitmq', 'rabbitmq-consume'],
    ['HealifyRedisDown', 'redis', 'redis-subscriber'],
    ['HealifyMongoDbDown', 'mongodb', 'mongodb'],
  ])('%s is one page, and everything that follows from it is silent', async (down, name, connection) => {
    const follows = [...explainedBy(name), { alert: 'HealifyConnectionDown', labels: { server: connection } }];
    expect(follows.length).toBeGreaterThan(2);
    await fire({ alert: down }, ...follows);
    await until('it is told', () => webhook.notifications.length > 0);
    await until('all others are held back', async () => {
      const others = (await states()).filter(([alert]) => alert !== down);
      return others.length > 0 && others.every(([, state]) => state === 'suppressed');
    });
    // A group waits for a second, so whatever would be sent beside it has been sent before a later alert is.
    await fire({ alert: 'HealifyClockSkew' });
    await until('a later ticket is told', () => webhook.latest('ticket', 'HealifyClockSkew'));
    const told = webhook.notifications.map(({ receiver, alerts: [...sent] }) => [
      receiver,
      sent.map(({ labels }) => labels.alertname),
    ]);
    expect(told).toEqual([
      ['page', [down]],
      ['ticket', ['HealifyClockSkew']],
    ]);
  });

  test('what belongs together is one notification', async () => {
    await fire({ alert: 'HealifyWorkerMissing' }, { alert: 'HealifyQueueDepth', labels: { queue: 'chat_requests' } });
    await until('it is told', () => webhook.notifications.length > 0);
    expect(webhook.notifications).toEqual([
      expect.objectContaining({ receiver: 'page', alerts: [expect.anything(), expect.anything()] }),
    ]);
  });

  test('a provider that is shut because it is broken is told once; another one that is shut is told, too', async () => {
    const broken = { provider: 'openai', model: 'm' };
    await fire(
      { alert: 'HealifyProviderBroken', labels: { ...broken, cause: 'key' } },
      { alert: 'HealifyProviderShut', labels: broken },
      { alert: 'HealifyProviderShut', labels: { provider: 'other', model: 'm' } },
    );
    await until('both are told', () => webhook.notifications.length > 1);
    expect(webhook.latest('page', 'HealifyProviderBroken')).toBeDefined();
    const shut = webhook.notifications.filter(({ receiver }) => receiver === 'ticket').flatMap((each) => each.alerts);
    expect(shut.map(({ labels }) => labels.provider)).toEqual(['other']);
  });
});

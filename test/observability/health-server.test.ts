import { expect, test } from '@jest/globals';
import type { HealthChecks } from '../../src/observability/health.ts';
import { startHealthServer } from '../../src/observability/health-server.ts';

const host = '127.0.0.1';

async function withServer(checks: HealthChecks, use: (url: string) => Promise<void>, started = Promise.resolve()) {
  const server = await startHealthServer({ host, port: 0, checks, started, version: '1.2.3' });
  try {
    await use(`http://${host}:${server.port}`);
  } finally {
    await server.stop();
  }
}

const up = async () => {};

test('an orchestrator sees a process that is ready, its version and its dependencies', () =>
  withServer({ rabbitmq: up, redis: up }, async (url) => {
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      status: 'ok',
      checks: { rabbitmq: { status: 'up' }, redis: { status: 'up' } },
    });
    const health = await fetch(`${url}/health`);
    expect(health.headers.get('cache-control')).toBe('no-store');
    expect(await health.json()).toMatchObject({ status: 'ok', version: '1.2.3', uptimeSeconds: expect.any(Number) });
  }));

test('an orchestrator is told which dependency is down, without its address, while the process stays alive', () =>
  withServer(
    { rabbitmq: up, redis: () => Promise.reject(new Error('connect ECONNREFUSED redis://:secret@10.0.0.1')) },
    async (url) => {
      for (const path of ['/health', '/health/ready']) {
        const response = await fetch(url + path);
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({
          status: 'unavailable',
          checks: { rabbitmq: { status: 'up' }, redis: { status: 'down', detail: 'cannot be used: the log says why' } },
        });
      }
      const live = await fetch(`${url}/health/live`);
      expect(live.status).toBe(200);
      expect(await live.json()).toEqual({ status: 'ok' });
    },
  ));

test('a process that still starts is not ready, and blames no server for it', async () => {
  const { promise: started, resolve } = Promise.withResolvers<void>();
  await withServer(
    { redis: up },
    async (url) => {
      const response = await fetch(`${url}/health/ready`);
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({
        status: 'unavailable',
        checks: { redis: { status: 'up' }, start: { status: 'down', detail: 'the process is still starting' } },
      });
      resolve();
      await started;
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    },
    started,
  );
});

test('a dependency that never answers counts as down', () =>
  withServer({ redis: () => new Promise(() => {}) }, async (url) => {
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      checks: { redis: { status: 'down', detail: expect.stringContaining('no answer') } },
    });
  }));

test('an idle connection is kept for longer than a load balancer keeps it', () =>
  withServer({}, async (url) => {
    const seconds = /timeout=(\d+)/.exec((await fetch(`${url}/health`)).headers.get('keep-alive') ?? '')?.[1];
    expect(Number(seconds)).toBeGreaterThan(60);
  }));

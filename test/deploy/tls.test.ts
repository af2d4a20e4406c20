import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connect as connectTls,
  createServer,
  getCACertificates,
  type Server,
  setDefaultCACertificates,
} from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { renewCertificates } from '../../tools/certificates/renew.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../../tools/services/guarded-process.ts';
import { commandOf } from '../../tools/services/monitoring.ts';
import { startOneProcess } from '../../tools/services/one-process.ts';
import { programs } from '../../tools/services/programs.ts';
import { type RabbitMq, startRabbitMq } from '../../tools/services/rabbitmq.ts';
import { runRedis } from '../../tools/services/redis.ts';
import type { Service } from '../../tools/services/service.ts';
import { signUp } from '../api-client.ts';
import { startApi, startScript, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { until } from '../until.ts';
import { root } from './rule-files.ts';

/** The servers run with the files of docker-compose.tls.yml, in which only paths and ports differ. */
const dir = mkdtempSync(join(tmpdir(), 'healify-tls-'));
const certificates = join(dir, 'certificates');
/** A file of deploy/ as it is in the container of a service. */
const shipped = (file: string, service: string) =>
  readFileSync(join(root, 'deploy', file), 'utf8').replaceAll('/etc/tls', join(certificates, service));
const certificateOf = (service: string) => join(certificates, service, 'server.pem');
const caFile = join(certificates, 'ca.pem');

const trustedBefore = getCACertificates();
const proxies: Server[] = [];
let rabbitMq: RabbitMq;
let rabbitPorts: { port: number; managementPort: number; metricsPort: number };
let redis: Service;
let redisPort: number;
let api: TestProcess;
let worker: TestProcess;
const watchers: GuardedProcess[] = [];

const amqps = (address: string) => rabbitMq.url.replace('amqp:', 'amqps:').replace(/@.*/, `@${address}`);

const leftOut = (!programs().rabbitMqServer || !programs().redisServer) && 'RabbitMQ or Redis is not installed';
if (leftOut) process.stdout.write(`TLS between all services: left out, because ${leftOut}\n`);
const run = leftOut ? test.skip : test;

beforeAll(async () => {
  if (leftOut) return;
  await renewCertificates({ dir: certificates });
  setDefaultCACertificates([...trustedBefore, readFileSync(caFile, 'utf8')]);
  redisPort = await freePort();
  mkdirSync(join(dir, 'redis'));
  const redisConf = join(dir, 'redis/tls.conf');
  writeFileSync(redisConf, shipped('tls/redis.conf', 'redis').replace('6379', String(redisPort)));
  const simulator = await startSimulatorProcess();
  [rabbitMq, redis] = await Promise.all([
    startRabbitMq({
      dir: join(dir, 'rabbitmq'),
      plugins: ['rabbitmq_prometheus'],
      listeners: (ports) => {
        rabbitPorts = ports;
        const text = shipped('tls/rabbitmq.conf', 'rabbitmq')
          .replace('5671\n', `${ports.port}\n`)
          .replace('15671', String(ports.managementPort))
          .replace('15691', String(ports.metricsPort));
        return [text];
      },
    }),
    startOneProcess({
      url: `rediss://127.0.0.1:${redisPort}`,
      ...runRedis({ dir: join(dir, 'redis'), settings: { include: redisConf } }),
    }),
  ]);
  const env = {
    RABBITMQ_URL: amqps(`127.0.0.1:${rabbitPorts.port}`),
    RABBITMQ_CA_FILE: caFile,
    REDIS_URL: redis.url,
    REDIS_CA_FILE: caFile,
    MODEL_SIMULATOR_URL: simulator.url,
  };
  const served = (service: string) => ({ TLS_CERT_FILE: certificateOf(service), TLS_KEY_FILE: certificateOf(service) });
  [api, worker] = await Promise.all([
    startApi({ ...env, ...served('api') }),
    startWorker({ ...env, ...served('worker') }),
  ]);
}, 150_000);

afterAll(async () => {
  setDefaultCACertificates(trustedBefore);
  for (const proxy of proxies) proxy.close();
  await Promise.all([api, worker, ...watchers].map((each) => each?.kill()));
  await Promise.all([rabbitMq?.kill(), redis?.kill()]);
  rmSync(dir, { recursive: true, force: true });
});

run('a question is answered, and every connection on its way has TLS', async () => {
  const user = await signUp(api.url);
  const answer = await user.send({ message: 'Is this safe?' }, { Prefer: 'wait=30' });
  expect(answer).toMatchObject({ status: 200, body: { status: 'completed' } });
});

/** What comes back on a connection without TLS, until it is closed. */
async function askedPlainly(url: string, text: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  socket.end(text);
  let reply = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    reply += chunk;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return reply;
}

const HTTP = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
run.each([
  ["RabbitMQ's port", () => amqps(`127.0.0.1:${rabbitPorts.port}`), 'AMQP\0\0\x09\x01'],
  ["RabbitMQ's management", () => `https://127.0.0.1:${rabbitPorts.managementPort}`, HTTP],
  ["RabbitMQ's metrics", () => `https://127.0.0.1:${rabbitPorts.metricsPort}`, HTTP],
  ["Redis's port", () => redis.url, 'PING\r\n'],
  ['the api', () => api.url, HTTP],
  ["the api's metrics", () => api.metricsUrl, HTTP],
  ["the worker's health", () => worker.url, HTTP],
  ["the worker's metrics", () => worker.metricsUrl, HTTP],
])('%s does not answer without TLS', async (_, url, text) => {
  expect(await askedPlainly(url(), text)).not.toMatch(/HTTP\/1|AMQP|PONG|connection\.start|ERR/);
});

/** Which of these versions of TLS a server speaks. The client allows the old ones, so that it is the server that refuses them. */
async function versionsOf(url: string): Promise<string[]> {
  const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
  const spoken = await Promise.all(
    versions.map(async (version) => {
      const socket = connectTls({
        ...{ host: '127.0.0.1', port: Number(new URL(url).port), servername: 'localhost', rejectUnauthorized: false },
        ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
      });
      const speaks = await once(socket, 'secureConnect').then(
        () => socket.getProtocol() === version,
        () => false,
      );
      socket.destroy();
      return speaks;
    }),
  );
  return versions.filter((_, at) => spoken[at]);
}

run.each([
  ["RabbitMQ's port", () => amqps(`127.0.0.1:${rabbitPorts.port}`)],
  ["Redis's port", () => redis.url],
  ['the api', () => api.url],
  ["the api's metrics", () => api.metricsUrl],
  ["the worker's health", () => worker.url],
])('%s speaks TLS 1.2 and 1.3, and nothing older', async (_, url) => {
  expect(await versionsOf(url())).toEqual(['TLSv1.2', 'TLSv1.3']);
});

run('RabbitMQ listens nowhere without TLS', async () => {
  const { username, password } = new URL(rabbitMq.url);
  const response = await fetch(`https://127.0.0.1:${rabbitPorts.managementPort}/api/overview`, {
    headers: { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
  });
  const { listeners } = (await response.json()) as { listeners: { protocol: string; port: number }[] };
  const protocols = new Set(listeners.map(({ protocol }) => protocol));
  expect([...protocols].toSorted()).toEqual(['amqp/ssl', 'clustering', 'https', 'https/prometheus']);
  // Erlang's own, with which anything can be run, is on loopback.
  const { port } = listeners.find(({ protocol }) => protocol === 'clustering')!;
  if (process.platform === 'linux') expect(addressesListeningOn(port)).toEqual(['0100007F']);
});

/** The addresses of this machine on which somebody listens, as Linux writes them. */
const addressesListeningOn = (port: number) =>
  ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/[\s:]+/))
      .filter(([, , localPort, , , state]) => state === '0A' && Number.parseInt(localPort!, 16) === port)
      .map(([, address]) => address!),
  );

/** A server with this certificate, before one of the others. */
async function before(target: string, file: string, host = '127.0.0.1'): Promise<string> {
  const { port } = new URL(target);
  const pem = readFileSync(file);
  const proxy = createServer({ key: pem, cert: pem }, (near) => {
    const far = connect(Number(port), '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(0, host);
  // The other side has refused our certificate.
  proxy.on('tlsClientError', () => {});
  await once(proxy, 'listening');
  proxies.push(proxy);
  return `${host}:${(proxy.address() as AddressInfo).port}`;
}

run.each([
  [
    'of another authority',
    /self.signed|unable to verify/i,
    async () => (await otherAuthority()).certificate,
    '127.0.0.1',
  ],
  ['that has ended', /expired/i, expired, '127.0.0.1'],
  ['for another name', /altname|alternative name|does not match/i, async () => certificateOf('redis'), '127.0.0.2'],
])('a server with a certificate %s is refused', async (_, why, makeCertificate, host) => {
  const certificate = await makeCertificate();
  const address = await before(redis.url, certificate, host);
  const refused = await startScript('src/main/api.ts', [], {
    ...{ RABBITMQ_URL: amqps(address), RABBITMQ_CA_FILE: caFile, MESSAGE_SIGNING_KEY: 'k'.repeat(32) },
    ...{ REDIS_URL: `rediss://${address}`, REDIS_CA_FILE: caFile },
    ...{ API_PORT: '0', API_METRICS_PORT: '0', HOST: '127.0.0.1' },
  });
  const problems = (server: string) =>
    refused
      .output()
      .split('\n')
      .filter((line) => line.includes(server) && why.test(line));
  await until('both connections are refused', () => problems('RabbitMQ').length > 0 && problems('Redis').length > 0);
  await refused.kill();
});

async function otherAuthority() {
  const other = join(dir, 'other');
  await renewCertificates({ dir: other });
  return { certificate: join(other, 'redis/server.pem') };
}

/** It was made by our authority, 100 days ago. */
async function expired(): Promise<string> {
  const old = join(dir, 'old');
  mkdirSync(old);
  for (const file of ['ca.pem', 'ca-key.pem']) cpSync(join(certificates, file), join(old, file));
  await renewCertificates({ dir: old, nowMs: Date.now() - 100 * 24 * 3_600_000 });
  return join(old, 'redis/server.pem');
}

const monitoring = { prometheus: commandOf('prometheus'), exporter: commandOf('redisExporter') };
(leftOut || !monitoring.prometheus || !monitoring.exporter ? test.skip : test)(
  'Prometheus reads the metrics of all services with TLS, also when certificates end, knows each by its name, and is asked with TLS itself',
  async () => {
    const [port, exporterPort] = [await freePort(), await freePort()];
    const exporter = await startGuarded(
      monitoring.exporter!,
      [`--web.listen-address=127.0.0.1:${exporterPort}`, '--tls-ca-cert-file', caFile],
      {
        env: {
          ...process.env,
          REDIS_ADDR: redis.url,
          REDIS_EXPORTER_TLS_CA_CERT_FILE: caFile,
          REDIS_EXPORTER_TLS_SERVER_CERT_FILE: certificateOf('redis-exporter'),
          REDIS_EXPORTER_TLS_SERVER_KEY_FILE: certificateOf('redis-exporter'),
        },
      },
    );
    watchers.push(exporter);
    const config = parse(shipped('prometheus/prometheus-tls.yml', 'prometheus'));
    const targets: Record<string, string> = {
      'healify-api': new URL(api.metricsUrl).host,
      'healify-worker': new URL(worker.metricsUrl).host,
      rabbitmq: `127.0.0.1:${rabbitPorts.metricsPort}`,
      redis: `127.0.0.1:${exporterPort}`,
    };
    const jobs = config.scrape_configs.filter(({ job_name: name }: { job_name: string }) => name in targets);
    for (const job of jobs) {
      delete job.dns_sd_configs;
      delete job.authorization;
      job.static_configs = [{ targets: [targets[job.job_name]] }];
    }
    const file = join(dir, 'prometheus.yml');
    const global = { scrape_interval: '1s' };
    writeFileSync(file, stringify({ global, scrape_configs: jobs }, { aliasDuplicateObjects: false }));
    const web = join(dir, 'web.yml');
    writeFileSync(web, shipped('tls/web.yml', 'prometheus'));
    const server = await startGuarded(monitoring.prometheus!, [
      `--config.file=${file}`,
      `--web.config.file=${web}`,
      `--storage.tsdb.path=${join(dir, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    watchers.push(server);
    const up = async () => {
      const response = await fetch(`https://127.0.0.1:${port}/api/v1/query?query=up`).catch(() => undefined);
      if (!response?.ok) return [];
      const { data } = (await response.json()) as {
        data: { result: { metric: { job: string }; value: [number, string] }[] };
      };
      return data.result.filter(({ value }) => value[1] === '1').map(({ metric }) => metric.job);
    };
    const expiry = await (await fetch(worker.metricsUrl)).text();
    for (const setting of ['TLS_CERT_FILE', 'RABBITMQ_CA_FILE', 'REDIS_CA_FILE'])
      expect(expiry).toMatch(
        new RegExp(`healify_certificate_expiry_timestamp_seconds\\{setting="${setting}"[^}]*\\} \\d{10}`),
      );
    await until('all targets are up', async () => (await up()).length === jobs.length, 60_000);
    expect((await up()).toSorted()).toEqual(Object.keys(targets).toSorted());
    expect(await askedPlainly(`https://127.0.0.1:${port}`, HTTP)).not.toContain('200 OK');
  },
);

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { declaringRights } from '../../src/contracts/broker-rights.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { programs } from '../../tools/services/programs.ts';
import { type RabbitMq, startRabbitMq } from '../../tools/services/rabbitmq.ts';
import { signUp } from '../api-client.ts';
import { startApi, startScript, startWorker } from '../processes.ts';
import { makeSelfSigned, openssl } from '../self-signed.ts';
import { testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

// A container's RabbitMQ cannot be given files of this machine.
const withServer = programs().rabbitMqServer ? test : test.skip;

const dir = mkdtempSync(join(tmpdir(), 'healify-certificates-'));
const file = (name: string) => join(dir, name);
let server: RabbitMq | undefined;
let tlsPort: number;
let simulator: TestSimulator;

/** A certificate of our own authority. */
function issue(name: string, commonName: string): void {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
  openssl(dir, 'req', '-newkey', 'rsa:2048', '-nodes', ...files, '-subj', `/CN=${commonName}`);
  writeFileSync(file(`${name}.ext`), 'subjectAltName=DNS:localhost\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`];
  openssl(dir, 'x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
}

beforeAll(async () => {
  simulator = await startSimulator();
  if (!programs().rabbitMqServer) return;
  makeSelfSigned(dir, 'ca', { commonName: 'our own authority' });
  issue('server', 'localhost');
  issue('client', 'healify-app');
  tlsPort = await freePort();
  server = await startRabbitMq({
    // A server of another system sees this folder only.
    dir,
    plugins: ['rabbitmq_auth_mechanism_ssl'],
    config: [
      `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${file('ca.pem')}`,
      `ssl_options.certfile = ${file('server.pem')}`,
      `ssl_options.keyfile = ${file('server.key')}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = false',
      'auth_mechanisms.1 = PLAIN',
      'auth_mechanisms.2 = EXTERNAL',
      'ssl_cert_login_from = common_name',
    ],
  });
  // Nobody knows its password. Its certificate is its login.
  await server.ctl('add_user', 'healify-app', 'nobody-knows-this');
  await server.ctl('clear_password', 'healify-app');
  const { configure, write, read } = declaringRights;
  await server.ctl('set_permissions', '-p', '/', 'healify-app', configure, write, read);
}, 180_000);

afterAll(async () => {
  await server?.kill();
  await simulator.stop();
  rmSync(dir, { recursive: true, force: true });
});

const withCertificate = () => ({
  RABBITMQ_URL: `amqps://localhost:${tlsPort}`,
  RABBITMQ_CA_FILE: file('ca.pem'),
  RABBITMQ_CERT_FILE: file('client.pem'),
  RABBITMQ_KEY_FILE: file('client.key'),
});
const withPassword = () => {
  const url = new URL(server!.url);
  return {
    RABBITMQ_URL: `amqps://${url.username}:${url.password}@localhost:${tlsPort}`,
    RABBITMQ_CA_FILE: file('ca.pem'),
  };
};

withServer.each([
  ['a certificate as the login, and none in the URL', withCertificate],
  ['a password, and an authority of our own', withPassword],
])('a question is answered with %s', async (_, settings) => {
  const env = { ...settings(), REDIS_URL: await testRedisUrl(), MODEL_SIMULATOR_URL: simulator.baseUrl };
  const [api, worker] = await Promise.all([startApi(env), startWorker(env)]);
  const user = await signUp(api.url);
  const answer = await user.send({ message: 'Am I known?' }, { Prefer: 'wait=20' });
  expect(answer.body).toMatchObject({ status: 'completed' });
  const list = await startScript('src/main/dlq.ts', ['list'], settings());
  await list.exited;
  expect(list.output()).toContain('chat_requests.dlq: no letters');
  await Promise.all([api.stop(), worker.stop()]);
});

withServer('without the authority the server is not trusted, and it is said why', async () => {
  const { RABBITMQ_CA_FILE: _, ...settings } = withPassword();
  const env = { ...settings, REDIS_URL: await testRedisUrl(), MODEL_SIMULATOR_URL: simulator.baseUrl };
  const worker = await startScript('src/main/worker.ts', [], {
    ...env,
    MESSAGE_SIGNING_KEY: 'a signing key of at least thirty-two bytes',
    WORKER_PORT: '0',
    WORKER_METRICS_PORT: '0',
  });
  await until('it says so', () => /waiting for RabbitMQ/.test(worker.output()));
  expect(worker.output()).toMatch(/certificate/);
  expect(worker.output()).not.toContain(new URL(server!.url).password);
  await worker.stop();
});

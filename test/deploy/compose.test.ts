import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { SERVICES } from '../../tools/certificates/renew.ts';

/** A service as far as this test looks at it. */
interface Service {
  user?: string;
  networks?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  privileged?: boolean;
  network_mode?: string;
  mem_limit?: string;
  pids_limit?: number;
  cpu_shares?: number;
  ports?: string[];
  volumes?: string[];
  environment?: Record<string, unknown>;
  command?: string[];
  healthcheck?: { test: string[] };
  secrets?: string[];
}

const servicesIn = (file: string): Record<string, Service> =>
  parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'), { merge: true }).services;
const services = servicesIn('docker-compose.yml');
const inProduction = servicesIn('docker-compose.production.yml');
const withTls = servicesIn('docker-compose.tls.yml');

test.each(Object.entries(services))('%s can change nothing but its data, and has bounds', (name, service) => {
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: expect.stringMatching(/^\d+[mg]$/),
    pids_limit: expect.any(Number),
    cpu_shares: expect.any(Number),
  });
  for (const loosened of ['cap_add', 'privileged', 'network_mode']) expect(service).not.toHaveProperty(loosened);
  // Only folders of data, and of files that cannot be written.
  for (const volume of service.volumes ?? [])
    expect([name, volume]).toEqual([name, expect.stringMatching(/^[a-z-]+:|:ro$/)]);
  // The address of the api is chosen by whoever runs it.
  for (const port of service.ports ?? []) expect(port).toMatch(/^(127\.0\.0\.1|\$\{BIND_ADDRESS:-127\.0\.0\.1\}):/);
});

test('a service sees only the networks that it needs', () => {
  const networks = Object.fromEntries(Object.entries(services).map(([name, { networks }]) => [name, networks]));
  expect(networks).toEqual({
    api: ['front', 'back'],
    worker: ['back'],
    simulator: ['back'],
    rabbitmq: ['back'],
    redis: ['back'],
    mongo: ['back'],
    'redis-exporter': ['back'],
    prometheus: ['back', 'watch'],
    alertmanager: ['watch'],
    grafana: ['watch'],
  });
});

test('production changes only settings, and reads every secret from a file', () => {
  for (const [name, service] of Object.entries(inProduction)) {
    expect(services).toHaveProperty([name]);
    const changed = ['environment', 'profiles', 'secrets', 'healthcheck', 'entrypoint'];
    expect(changed).toEqual(expect.arrayContaining(Object.keys(service)));
  }
  const isSecret = (name: string) => /PASSWORD$|TOKEN$|SIGNING_KEY$|AUTH$/.test(name);
  for (const [name, { environment = {} }] of Object.entries(services)) {
    const own = inProduction[name]?.environment ?? {};
    const given = Object.keys(environment).filter((variable) => isSecret(variable) && environment[variable] !== null);
    // Nobody can forget the known ones of docker-compose.yml.
    for (const variable of given) expect([name, variable, own[variable]]).toEqual([name, variable, '']);
    for (const value of Object.values(own)) expect(String(value)).not.toMatch(/:\/\/[^/@]*:[^/@]*@/);
  }
});

test('with TLS every service but the simulator has a certificate, sees no other, and connects to nobody without TLS', () => {
  expect(Object.keys(withTls).toSorted()).toEqual([...SERVICES].toSorted());
  expect(Object.keys(services).filter((name) => !(name in withTls))).toEqual(['simulator']);
  for (const [name, service] of Object.entries(withTls)) {
    const certificates = service.volumes!.filter((volume) => volume.includes('CERTIFICATES_DIR'));
    expect(certificates).toEqual([`\${CERTIFICATES_DIR:-./deploy/certificates}/${name}:/etc/tls:ro`]);
    for (const volume of service.volumes!) expect(volume).toMatch(/:ro$/);
    // RabbitMQ's looks at its ports only.
    if (name !== 'rabbitmq' && name !== 'redis-exporter') {
      const asks = service.healthcheck!.test.join(' ');
      expect([name, asks]).toEqual([name, expect.stringMatching(/--tls|https:/)]);
    }
    const values = Object.values({ ...services[name]!.environment, ...service.environment }).map(String);
    const plain = values.filter((value) => /^(amqp|redis|http):|^mongodb:(?!.*[?&]tls=true)/.test(value));
    expect(plain.filter((value) => value !== services.worker!.environment!.MODEL_SIMULATOR_URL)).toEqual([]);
  }
});

test('what a service is started with stays, and TLS comes to it', () => {
  for (const [name, { command }] of Object.entries(withTls)) {
    if (!command) continue;
    const changed = /^--(config\.file|web\.external-url)=/;
    const before = services[name]!.command!.filter((argument) => !changed.test(argument));
    expect(command).toEqual(expect.arrayContaining(before));
  }
});

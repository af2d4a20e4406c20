import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { freePort } from '../../tools/services/free-port.ts';
import { imageOf } from '../../tools/services/images.ts';
import type { RabbitMq } from '../../tools/services/rabbitmq.ts';
import type { Service } from '../../tools/services/service.ts';
import { DATABASES } from './databases.ts';

const REDIS = ['redis-server', '--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'];
const PASSWORD = 'healify-test';

export async function startRedis(): Promise<Service> {
  // A port of the host that stays the same when the container is started again.
  const port = await freePort();
  const container = await new GenericContainer(imageOf('redis'))
    .withCommand([...REDIS, '--databases', String(DATABASES)])
    .withExposedPorts({ container: 6379, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  const url = `redis://${container.getHost()}:${port}`;
  return { url, ...(await controls(container, () => answers(container, ['redis-cli', 'ping']))) };
}

export async function startRabbitMq(): Promise<RabbitMq> {
  const [port, managementPort] = [await freePort(), await freePort()];
  const container = await new GenericContainer(imageOf('rabbitmq'))
    .withEnvironment({ RABBITMQ_DEFAULT_USER: 'healify', RABBITMQ_DEFAULT_PASS: PASSWORD })
    // RabbitMQ stores its data in a folder named after the host, so the name must stay when the container starts again.
    .withHostname('rabbitmq')
    .withExposedPorts({ container: 5672, host: port }, { container: 15672, host: managementPort })
    .withWaitStrategy(Wait.forLogMessage(/Server startup complete|completed with \d+ plugins/))
    .withStartupTimeout(120_000)
    .start();
  const host = container.getHost();
  return {
    url: `amqp://healify:${PASSWORD}@${host}:${port}`,
    managementUrl: `http://healify:${PASSWORD}@${host}:${managementPort}`,
    ctl: async (...args) => {
      const { exitCode, output } = await container.exec(['rabbitmqctl', ...args]);
      if (exitCode !== 0) throw new Error(`rabbitmqctl ${args.join(' ')} failed:\n${output}`);
    },
    ...(await controls(container, () => answers(container, ['rabbitmq-diagnostics', '-q', 'check_port_connectivity']))),
  };
}

export async function startMongoDb(): Promise<Service> {
  const port = await freePort();
  const container = await new GenericContainer(imageOf('mongo'))
    .withExposedPorts({ container: 27017, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Waiting for connections/))
    .start();
  const url = `mongodb://${container.getHost()}:${port}`;
  return { url, ...(await controls(container, () => answers(container, ['mongosh', '--quiet', '--eval', '1']))) };
}

async function controls(container: StartedTestContainer, isUp: () => Promise<boolean>) {
  const client = await getContainerRuntimeClient();
  const raw = client.container.getById(container.getId());
  return {
    stop: async () => void (await container.stop()),
    kill: async () => {
      await raw.kill();
      await raw.wait();
    },
    start: async () => {
      await raw.start();
      while (!(await isUp())) await new Promise((resolve) => setTimeout(resolve, 200));
    },
  };
}

const answers = async (container: StartedTestContainer, command: string[]) =>
  (await container.exec(command).catch(() => ({ exitCode: 1 }))).exitCode === 0;

import { join } from 'node:path';
import { type GuardedProcess, startGuarded } from '../services/guarded-process.ts';
import { baseUrlOf } from '../start/addresses.ts';
import { type Environment, keptSecrets, readCommandEnvironment } from '../start/environment.ts';
import { isInUse } from '../start/lock.ts';

const root = join(import.meta.dirname, '../..');
/** The last line of what `npm start` says when all of it runs. */
const STARTED = /^Ctrl-C stops everything/;

/** The product that runs on this machine. */
export interface Product {
  apiUrl: string;
  rabbitMqUrl: string;
  simulatorUrl: string;
  /** undefined: it is not installed. */
  prometheusUrl: string | undefined;
  env: Environment;
  /** undefined if it ran before. */
  started: GuardedProcess | undefined;
}

/**
 * Finds the product that `npm start` runs with this data folder, or starts it.
 * @throws Error it cannot be started, or asks a real model, or an identity provider has its accounts
 */
export async function findOrStartProduct(dataDir: string): Promise<Product> {
  const started = isInUse(dataDir) ? undefined : await start(dataDir);
  const env = { HOST: '127.0.0.1', API_PORT: '3000', ...readCommandEnvironment(root, dataDir) };
  try {
    return { ...addressesIn(env), env: { ...keptSecrets(dataDir), ...env }, started };
  } catch (error) {
    await started?.stop();
    throw error;
  }
}

function addressesIn(env: Environment) {
  const { MODEL_SIMULATOR_URL, PROMETHEUS_URL, RABBITMQ_URL, OPENAI_API_KEY, JWT_JWKS_URL } = env;
  if (OPENAI_API_KEY || !MODEL_SIMULATOR_URL) {
    throw new Error('A real model is asked, and each question costs money. Remove OPENAI_API_KEY, and start again.');
  }
  if (JWT_JWKS_URL) throw new Error('An identity provider has the accounts. Remove JWT_JWKS_URL, and start again.');
  return {
    apiUrl: baseUrlOf(env, 'API_PORT'),
    rabbitMqUrl: RABBITMQ_URL!,
    simulatorUrl: MODEL_SIMULATOR_URL,
    prometheusUrl: PROMETHEUS_URL,
  };
}

async function start(dataDir: string): Promise<GuardedProcess> {
  let ready = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const onLine = (line: string) => {
    process.stdout.write(`${line}\n`);
    if (STARTED.test(line)) ready();
  };
  const child = await startGuarded(process.execPath, [join(root, 'tools/start/main.ts'), '--data', dataDir], {
    onLine,
  });
  await Promise.race([isReady, child.exited]);
  if (!child.running) throw new Error('The product could not be started; see above.');
  return child;
}

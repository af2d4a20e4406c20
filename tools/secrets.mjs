// Plain JavaScript, because whoever only uses docker-compose has neither packages nor a newer Node.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HELP = `Makes the secrets that deploy/secrets lacks, each at random, and each in a file of its own. What is there stays as it is. A secret that
only .env has, from an earlier version, is written into its file; delete it from .env afterwards.

  npm run secrets

docker-compose.production.yml reads them: ENCRYPTION_KEYS, AUDIT_KEYS, JWT_SECRET, MESSAGE_SIGNING_KEY, METRICS_TOKEN, GRAFANA_PASSWORD,
MONGODB_PASSWORD, MONGODB_WORKER_PASSWORD, and a password of the operator, of the api and of the worker for RabbitMQ (RABBITMQ_PASSWORD,
RABBITMQ_API_PASSWORD, RABBITMQ_WORKER_PASSWORD) and for Redis. Write OPENAI_API_KEY there yourself. Grafana and MongoDB take their passwords only
when their volumes are new; to change them later, use grafana cli admin reset-admin-password, and db.changeUserPassword in mongosh. Keep a
copy of ENCRYPTION_KEYS elsewhere: without it, nobody can read the texts.
`;

const NAMES = [
  'ENCRYPTION_KEYS',
  'AUDIT_KEYS',
  'JWT_SECRET',
  'MESSAGE_SIGNING_KEY',
  'METRICS_TOKEN',
  'RABBITMQ_PASSWORD',
  'RABBITMQ_API_PASSWORD',
  'RABBITMQ_WORKER_PASSWORD',
  'REDIS_PASSWORD',
  'REDIS_API_PASSWORD',
  'REDIS_WORKER_PASSWORD',
  'MONGODB_PASSWORD',
  'MONGODB_WORKER_PASSWORD',
  'GRAFANA_PASSWORD',
];
/** A provider makes it, not we. */
const GIVEN = 'OPENAI_API_KEY';
/** Letters that need no escaping in a URL, a shell or a compose file. */
const makeSecret = () => randomBytes(48).toString('base64url');
const make = (name) => (name === 'ENCRYPTION_KEYS' ? `k1:${randomBytes(32).toString('base64url')}` : makeSecret());

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}

const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)));
const dir = join(root, 'deploy/secrets');
const envFile = join(root, '.env');
const env = existsSync(envFile) ? readFileSync(envFile, 'utf8') : '';
/** The value that .env gives it; an empty one, or a comment, is none. */
function inEnv(name) {
  const line = new RegExp(
    `^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=[ \\t]*(?:"([^"\\n]+)"|'([^'\\n]+)'|([^\\s#"'][^\\n#]*))`,
    'm',
  );
  const [, ...values] = line.exec(env) ?? [];
  return values.find((value) => value !== undefined)?.trim();
}
const isSet = (name) => existsSync(join(dir, name)) && readFileSync(join(dir, name), 'utf8').trim() !== '';

mkdirSync(dir, { recursive: true });
// The containers run as other users. They read the files that are mounted into them, and nobody else gets into the folder.
chmodSync(dir, 0o700);
function write(name, value) {
  writeFileSync(join(dir, name), value);
  chmodSync(join(dir, name), 0o644);
}

const missing = NAMES.filter((name) => !isSet(name));
for (const name of missing) write(name, inEnv(name) ?? make(name));
if (!isSet(GIVEN) && inEnv(GIVEN)) write(GIVEN, inEnv(GIVEN));

console.log(missing.length > 0 ? `${dir} has now: ${missing.join(', ')}` : `${dir} has all secrets already`);
const doubled = [...NAMES, GIVEN].filter(inEnv);
if (doubled.length > 0) console.log(`Delete from ${envFile}, because the files count: ${doubled.join(', ')}`);
if (!isSet(GIVEN)) console.log(`Write the key of your model provider into ${join(dir, GIVEN)}`);

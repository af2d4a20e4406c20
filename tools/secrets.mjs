// Plain JavaScript, because whoever only uses docker-compose has neither packages nor a newer Node.
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HELP = `Adds the secrets that .env lacks to it, each made at random. What is set there stays as it is.

  npm run secrets

They are read by docker-compose: ENCRYPTION_KEYS, AUDIT_KEYS, JWT_SECRET, MESSAGE_SIGNING_KEY, GRAFANA_PASSWORD, MONGODB_PASSWORD,
MONGODB_WORKER_PASSWORD, and a password of the operator, of the api and of the worker for RabbitMQ (RABBITMQ_PASSWORD, RABBITMQ_API_PASSWORD,
RABBITMQ_WORKER_PASSWORD) and for Redis. Grafana and MongoDB take their passwords only when their volumes are new; to change them later, use grafana cli admin
reset-admin-password, and db.changeUserPassword in mongosh. Keep a copy of ENCRYPTION_KEYS elsewhere: without it, nobody can read the texts.
`;

const NAMES = [
  'ENCRYPTION_KEYS',
  'AUDIT_KEYS',
  'JWT_SECRET',
  'MESSAGE_SIGNING_KEY',
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
/** Letters that need no escaping in a URL, a shell or a compose file. */
const makeSecret = () => randomBytes(48).toString('base64url');
const make = (name) => (name === 'ENCRYPTION_KEYS' ? `k1:${randomBytes(32).toString('base64url')}` : makeSecret());

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}

const file = join(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))), '.env');
const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
/** Whether .env gives it a value; an empty one, or a comment, is none. */
const isSet = (name) => new RegExp(`^[ \\t]*(export[ \\t]+)?${name}[ \\t]*=[ \\t]*["']?[^\\s#"']`, 'm').test(text);
const missing = NAMES.filter((name) => !isSet(name));
if (missing.length > 0) {
  const lines = missing.map((name) => `${name}=${make(name)}\n`).join('');
  appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${lines}`, { mode: 0o600 });
  chmodSync(file, 0o600);
}
console.log(missing.length > 0 ? `${file} has now: ${missing.join(', ')}` : `${file} has all secrets already`);

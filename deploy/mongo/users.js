// MongoDB's container runs it once, when its volume is new. A worker only reads keys of users, and adds those that are missing.
const { existsSync, readFileSync } = require('node:fs');
// A file of docker-compose.production.yml has it, or else the environment.
const file = '/run/secrets/MONGODB_WORKER_PASSWORD';
const pwd = existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : process.env.MONGODB_WORKER_PASSWORD;
const healify = db.getSiblingDB('healify');
healify.createRole({
  role: 'healify-worker',
  privileges: [{ resource: { db: 'healify', collection: 'keys' }, actions: ['find', 'insert', 'update'] }],
  roles: [],
});
healify.createUser({ user: 'healify-worker', pwd, roles: ['healify-worker'] });

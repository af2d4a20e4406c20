// MongoDB's container runs it once, when its volume is new. A worker only reads keys of users, and adds those that are missing.
const healify = db.getSiblingDB('healify');
healify.createRole({
  role: 'healify-worker',
  privileges: [{ resource: { db: 'healify', collection: 'keys' }, actions: ['find', 'insert', 'update'] }],
  roles: [],
});
healify.createUser({ user: 'healify-worker', pwd: process.env.MONGODB_WORKER_PASSWORD, roles: ['healify-worker'] });

import { expect, test } from '@jest/globals';
import type { ServerDescription } from 'mongodb';
import { membersOf } from '../../../src/adapters/mongodb/members.ts';
import { openMongoDb } from '../../mongodb-connection.ts';
import { privateMongoDb } from '../../services.ts';
import { until } from '../../until.ts';
import { withMongoDb } from '../../with-mongodb.ts';

const seen = (...servers: Partial<ServerDescription>[]) =>
  membersOf({ servers: new Map(servers.map((server) => [server.address!, server as ServerDescription])) });

// FerretDB has no replica sets, so the driver's view of one is made here.
test('the members of a replica set are shown with what they do, and what is wrong', () => {
  const error = new Error('connect ECONNREFUSED') as never;
  expect(
    seen(
      { address: 'a:27017', type: 'RSPrimary' },
      { address: 'b:27017', type: 'RSSecondary' },
      { address: 'c:27017', type: 'Unknown', error },
      { address: 'd:27017', type: 'RSOther' },
    ),
  ).toEqual([
    { name: 'a:27017', state: 'up', role: 'primary', detail: null },
    { name: 'b:27017', state: 'up', role: 'secondary', detail: null },
    { name: 'c:27017', state: 'down', role: null, detail: 'connect ECONNREFUSED' },
    { name: 'd:27017', state: 'up', role: null, detail: 'it is starting, recovering or hidden' },
  ]);
});

withMongoDb(
  'a server on its own',
  () => {
    test('is one member, which is down once it is killed', async () => {
      const server = await privateMongoDb();
      try {
        const connection = openMongoDb(`${server.url}/test`, 2_000);
        await connection.db.command({ ping: 1 });
        const name = new URL(server.url).host;
        expect(connection.members()).toEqual([{ name, state: 'up', role: null, detail: null }]);
        await server.kill();
        await until('it is seen to be down', () => connection.members()[0]?.state === 'down', 30_000);
      } finally {
        await server.stop();
      }
    }, 60_000);
  },
  { killed: true },
);

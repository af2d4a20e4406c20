import { expect, test } from '@jest/globals';
import type { ServerDescription } from 'mongodb';
import { membersOf } from '../../../src/adapters/mongodb/members.ts';

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

import { expect, test } from '@jest/globals';
import { findClaim, namesIn } from '../../../src/api/auth/claims.ts';

const claims = {
  role: 'admin',
  realm_access: { roles: ['user', 'admin'] },
  'cognito:groups': ['admins'],
  'https://example.com/roles': ['chat-admin'],
  resource_access: { 'my.client': { roles: ['operator'] } },
  'a.b': 'of this name',
  a: { b: 'of this path' },
};

test.each([
  ['role', 'admin'],
  ['realm_access.roles', ['user', 'admin']],
  ['cognito:groups', ['admins']],
  ['https://example.com/roles', ['chat-admin']],
  ['resource_access.my\\.client.roles', ['operator']],
  ['a.b', 'of this name'],
  ['nothing', undefined],
  ['role.deeper', undefined],
  ['realm_access.roles.0', undefined],
  ['constructor', undefined],
  ['__proto__.constructor', undefined],
  ['', undefined],
])('the claim %s is found where it is', (path, value) => {
  expect(findClaim(claims, path)).toEqual(value);
});

test.each([
  ['a text', 'admin', ['admin']],
  ['a text with spaces', ' openid  admin ', ['openid  admin', 'openid', 'admin']],
  ['a text with commas', 'user,admin', ['user,admin', 'user', 'admin']],
  ['a text that is one name with a space', 'Chat Admin', ['Chat Admin', 'Chat', 'Admin']],
  ['an empty text', ' ', []],
  ['a list', ['user', 'admin', 7, null], ['user', 'admin']],
  ['an object with the names as keys', { admin: { org: 'x' } }, ['admin']],
  ['an object that denies some names', { admin: false, owner: null, user: true }, ['user']],
  ['a number', 7, []],
  ['nothing', undefined, []],
  ['null', null, []],
])('names are read from %s', (_what, claim, names) => {
  expect(namesIn(claim)).toEqual(names);
});

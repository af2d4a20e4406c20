import { expect, test } from '@jest/globals';
import { createOpenApiDocument } from '../../src/api/docs/openapi.ts';
import { indexRoutes } from '../../src/api/route-index.ts';
import { adminRights, allowedFor, rightsOf } from '../../src/contracts/admin-rights.ts';

const document = createOpenApiDocument({ version: '1', accounts: true, oidc: true });
const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

test('each operation of the OpenAPI document below /admin has its row, and there is no other row', () => {
  const operations = Object.entries(document.paths ?? {})
    .filter(([path]) => path.startsWith('/admin'))
    .flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path}`),
    );
  expect(Object.keys(adminRights).sort()).toEqual(operations.sort());
});

test('a request finds its row, as Express finds its route', () => {
  const findRoute = indexRoutes(document);
  for (const [right, roles] of Object.entries(adminRights)) {
    const [method, pattern] = right.split(' ') as [string, string];
    const path = pattern.replace(/\{\w+\}/g, 'x%20y');
    expect(findRoute(path)?.pattern).toBe(pattern);
    for (const variant of [path, `${path}/`, path.toUpperCase()])
      expect(allowedFor(method, variant)?.roles).toEqual(roles);
    if (method === 'GET') expect(allowedFor('HEAD', path)?.roles).toEqual(roles);
  }
});

test.each([
  ['DELETE', '/admin/overview'],
  ['POST', '/admin/overview'],
  ['GET', '/admin/accounts'],
  ['GET', '/admin/accounts/find'],
  ['GET', '/admin/jobs/a/b'],
  ['GET', '/admin'],
  ['GET', '/admin/queuesx'],
  ['GET', '/chat/sessions'],
])('nobody may %s %s', (method, path) => {
  expect(allowedFor(method, path)).toBeUndefined();
});

test('only an operator changes anything in Bull Board', () => {
  const [see, change] = [
    { roles: ['operator', 'privacy_officer', 'admin'] },
    { roles: ['operator'], inEmergency: false },
  ];
  expect(allowedFor('GET', '/admin/queues/api/queues')).toMatchObject(see);
  expect(allowedFor('PUT', '/admin/queues/api/queues/chat/r-a/retry')).toMatchObject(change);
  expect(allowedFor('POST', '/admin/QUEUES')).toMatchObject(change);
});

test('what a role may do is what the rows say, and in an emergency also what only privacy officers may', () => {
  for (const role of ['operator', 'admin'] as const) {
    expect(rightsOf(role, false)).toEqual(expect.arrayContaining(['GET /admin/overview']));
    expect(rightsOf(role, false)).not.toContain('POST /admin/texts/conversation');
    expect(rightsOf(role, true)).toContain('POST /admin/texts/conversation');
  }
  expect(rightsOf('admin', true)).not.toContain('POST /admin/jobs/{requestId}/retry');
  expect(rightsOf('privacy_officer', false)).toContain('POST /admin/texts/conversation');
});

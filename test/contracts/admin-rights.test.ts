import { expect, test } from '@jest/globals';
import { createOpenApiDocument } from '../../src/api/docs/openapi.ts';
import { indexRoutes } from '../../src/api/route-index.ts';
import { adminRights, rightsOf, rolesFor } from '../../src/contracts/admin-rights.ts';

const document = createOpenApiDocument({ version: '1', accounts: true });
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
    for (const variant of [path, `${path}/`, path.toUpperCase()]) expect(rolesFor(method, variant)).toEqual(roles);
    if (method === 'GET') expect(rolesFor('HEAD', path)).toEqual(roles);
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
  expect(rolesFor(method, path)).toBeUndefined();
});

test('only an operator changes anything in Bull Board', () => {
  expect(rolesFor('GET', '/admin/queues/api/queues')).toEqual(['operator', 'admin']);
  expect(rolesFor('PUT', '/admin/queues/api/queues/chat/r-a/retry')).toEqual(['operator']);
  expect(rolesFor('POST', '/admin/QUEUES')).toEqual(['operator']);
});

test('what a role may do is what the rows say', () => {
  for (const role of ['operator', 'privacy_officer', 'admin'] as const) {
    expect(rightsOf(role)).toEqual(expect.arrayContaining(['GET /admin/overview']));
  }
  expect(rightsOf('admin')).toContain('POST /admin/accounts/disable');
  expect(rightsOf('operator')).not.toContain('POST /admin/accounts/disable');
  expect(rightsOf('admin')).not.toContain('POST /admin/jobs/{requestId}/retry');
});

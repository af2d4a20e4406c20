import { expect, test } from '@jest/globals';
import { createOpenApiDocument } from '../../src/api/docs/openapi.ts';
import { indexRoutes } from '../../src/api/route-index.ts';

const findRoute = indexRoutes(createOpenApiDocument({ version: '1', accounts: true }));

test('a path is known by its pattern, so that no id becomes a label', () => {
  expect(findRoute('/chat/session/abc')).toEqual({
    pattern: '/chat/session/{sessionId}',
    methods: ['GET', 'DELETE', 'HEAD'],
  });
  expect(findRoute('/chat/send')).toEqual({ pattern: '/chat/send', methods: ['POST'] });
});

test.each(['/', '/chat', '/chat/session', '/chat/session/', '/chat/session/a/b', '/openapi-json', '/chat/send/x'])(
  '%s is no route',
  (path) => {
    expect(findRoute(path)).toBeUndefined();
  },
);

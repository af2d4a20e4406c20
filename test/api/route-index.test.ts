import { expect, test } from '@jest/globals';
import { indexRoutes } from '../../src/api/route-index.ts';

const findRoute = indexRoutes({
  openapi: '3.1.1',
  info: { title: 'healify-chat', version: '1' },
  paths: {
    '/chat/send': { post: {} },
    '/chat/session/{sessionId}': { get: {}, delete: {} },
    '/openapi.json': { get: {} },
  },
});

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

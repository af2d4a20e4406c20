import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { createGatesRouter } from '../../../src/api/admin/gates.ts';
import { createAdminRouter } from '../../../src/api/admin/routes.ts';
import { answerWithProblem } from '../../../src/api/problem.ts';
import { ApiError } from '../../../src/contracts/errors.ts';
import { type Gate, gateList } from '../../../src/contracts/gates.ts';

const gate: Gate = {
  gate: 'api.example.com/gpt',
  provider: 'api.example.com',
  model: 'gpt',
  state: 'open',
  cause: 'key',
  since: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T00:00:15.000Z',
  keyFingerprint: '0123abcd',
};
const server = createServer(
  express()
    .use(
      '/admin',
      createAdminRouter(
        createGatesRouter({
          gates: {
            list: async () => [gate],
            open: async (name) => (name === gate.gate ? { gate: name, wasShut: true } : undefined),
          },
          requireAdmin: (req, _res, next) =>
            next(req.headers.authorization === 'admin' ? undefined : new ApiError('forbidden')),
        }),
      ),
    )
    .use(answerWithProblem),
);
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/gates`;
});
afterAll(() => void server.close());

const call = async (path: string, body?: unknown, authorization = 'admin') => {
  const response = await fetch(`${url}${path}`, {
    headers: { authorization, 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
};

test('an admin sees all gates, and has one asked again', async () => {
  const listed = await call('');
  expect(gateList.parse(listed.body)).toEqual({ gates: [gate] });
  expect(await call('/open', { gate: gate.gate })).toEqual({ status: 200, body: { gate: gate.gate, wasShut: true } });
});

test('nobody else may, and an unknown gate is reported', async () => {
  expect(await call('', undefined, 'user')).toMatchObject({ status: 403 });
  expect(await call('/open', { gate: gate.gate }, 'user')).toMatchObject({ status: 403 });
  expect(await call('/open', { gate: 'nobody/nothing' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await call('/open', {})).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
});

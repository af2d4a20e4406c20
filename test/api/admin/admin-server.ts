import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler, type Router } from 'express';
import { request } from 'undici';
import { createAdminRouter } from '../../../src/api/admin/routes.ts';
import { answerWithProblem } from '../../../src/api/problem.ts';
import { ApiError } from '../../../src/contracts/errors.ts';

/** Lets `Authorization: admin` pass. */
export const onlyAdmin: RequestHandler = (req, _res, next) => {
  if (req.headers.authorization !== 'admin') return next(new ApiError('forbidden'));
  req.user = { userId: 'u-admin', role: 'admin' };
  next();
};

/** Serves parts of the admin's API at `/admin`. `call` sends a body with POST, and asks with GET if there is none. */
export async function serveAdmin(...parts: Router[]) {
  const app = express().disable('etag');
  const server = createServer(app.use('/admin', createAdminRouter(...parts)).use(answerWithProblem));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin`;
  return {
    close: () => void server.close(),
    call: async (
      path: string,
      body?: unknown,
      { authorization = 'admin', ...headers }: Record<string, string> = {},
    ) => {
      // fetch would ask past all caches.
      const response = await request(`${url}${path}`, {
        headers: { authorization, 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      });
      const text = await response.body.text();
      const parsed = text ? (JSON.parse(text) as Record<string, unknown>) : {};
      return { status: response.statusCode, body: parsed, headers: response.headers };
    },
  };
}

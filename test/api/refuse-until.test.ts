import { afterAll, expect, test } from '@jest/globals';
import express, { Router } from 'express';
import { refuseUntil } from '../../src/api/refuse-until.ts';
import { StoreUnavailableError } from '../../src/contracts/errors.ts';
import { listen } from '../../src/observability/http-server.ts';
import { until } from '../until.ts';

let ready = () => {};
const isReady = new Promise<void>((resolve) => {
  ready = resolve;
});
const refused: unknown[] = [];
const app = express()
  .use(refuseUntil(isReady, 'not yet')(Router().get('/', (_req, res) => void res.send('served'))))
  .use(((error, _req, res, _next) => {
    refused.push(error);
    res.status(503).end();
  }) as express.ErrorRequestHandler);
const server = await listen(app, { host: '127.0.0.1', port: 0 });
afterAll(() => server.stop(0));

test('routes are closed with 503 until what they depend on is known, and then they are open', async () => {
  const get = async () => (await fetch(`http://127.0.0.1:${server.port}/`)).status;
  expect(await get()).toBe(503);
  expect(refused).toEqual([expect.any(StoreUnavailableError)]);
  ready();
  await until('it is open', async () => (await get()) === 200);
});

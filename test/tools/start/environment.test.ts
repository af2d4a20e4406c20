import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { changedNames, readCommandEnvironment, readEnvironment } from '../../../tools/start/environment.ts';

const root = mkdtempSync(join(tmpdir(), 'healify-environment-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('the environment comes before .env, and .env before what npm start has written; an empty value counts as none', () => {
  mkdirSync(join(root, '.data'));
  writeFileSync(join(root, '.data/env'), 'REDIS_URL=redis://started\nRABBITMQ_URL=amqp://started\n');
  expect(readCommandEnvironment(root)).toMatchObject({ REDIS_URL: 'redis://started' });

  writeFileSync(join(root, '.env'), 'REDIS_URL=redis://own # mine\nRABBITMQ_URL=\nHEALIFY_TEST="two words"\n');
  expect(readCommandEnvironment(root)).toMatchObject({
    REDIS_URL: 'redis://own',
    RABBITMQ_URL: 'amqp://started',
    HEALIFY_TEST: 'two words',
  });
  expect(readEnvironment(root)).toMatchObject({ REDIS_URL: 'redis://own', API_PORT: process.env.API_PORT ?? '3000' });
  expect(process.env.HEALIFY_TEST).toBeUndefined();

  process.env.HEALIFY_TEST = 'given';
  expect(readEnvironment(root).HEALIFY_TEST).toBe('given');
  delete process.env.HEALIFY_TEST;
});

test('what has changed is told by name: new, gone and other values', () => {
  const before = { SAME: '1', OTHER: '1', GONE: '1' };
  expect(changedNames(before, { SAME: '1', OTHER: '2', NEW: '1' })).toEqual(['GONE', 'NEW', 'OTHER']);
});

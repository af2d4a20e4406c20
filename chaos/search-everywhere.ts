import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { Redis } from '../src/adapters/redis/redis.ts';
import { adminRights } from '../src/contracts/admin-rights.ts';
import { JOBS_QUEUE } from '../src/contracts/queues.ts';
import { formsIn, formsInFolder } from '../tools/text-search.ts';
import { makeAccount, tokenOf } from './people.ts';
import type { Stack } from './stack.ts';

/** Where a text was looked for: in how many of these things it was found. */
export type Places = Record<string, number>;

const JOB_STATES = ['latest', 'active', 'waiting', 'prioritized', 'completed', 'failed', 'delayed'];
const REQUESTS_SHOWN = 20;
const OF_A_JOB = /\/r-[^/]+(\/logs)?$|\/jobs\/[^/]+$/;
const RETRY_MS = 500;
const PATIENCE_MS = 30_000;

/**
 * Looks for a text where no text may be readable: in the files of all servers, the documents of MongoDB, the logs and metrics of all
 * processes, exported traces, and in all that the operations page and Bull Board show.
 * @param options.requestIds of some questions whose jobs are shown
 */
export async function searchEverywhere(options: {
  stack: Stack;
  redis: Redis;
  text: string;
  requestIds: readonly string[];
}): Promise<Places> {
  const { stack, redis, text, requestIds } = options;
  const pages = await readPages(stack, redis, requestIds.slice(0, REQUESTS_SHOWN));
  const metrics = await Promise.all(stack.metricsUrls().map((url) => read(url)));
  const { MONGODB_URL } = stack.settings;
  const found = (all: (string | Buffer)[]) => all.filter((each) => formsIn(each, text).length > 0).length;
  const inFolder = (name: string) => formsInFolder(join(stack.logDir, 'servers', name), text).length;
  return {
    "Redis' files": inFolder('redis'),
    "RabbitMQ's files": inFolder('rabbitmq'),
    ...(MONGODB_URL && { "MongoDB's files": inFolder('mongodb'), documents: found(await readDocuments(MONGODB_URL)) }),
    logs: found(stack.logFiles().map((file) => readFileSync(file))),
    metrics: found(metrics),
    traces: found([readFileSync(stack.traceFile)]),
    pages: found(pages),
  };
}

async function readDocuments(url: string): Promise<string[]> {
  const client = await MongoClient.connect(url);
  const collections = await client.db().collections();
  const documents = await Promise.all(collections.map((collection) => collection.find().toArray()));
  await client.close();
  return documents.map((each) => JSON.stringify(each));
}

/** All that can be read at `/admin` without a reason, by somebody who may. */
async function readPages(stack: Stack, redis: Redis, requestIds: readonly string[]): Promise<string[]> {
  const userId = 'chaos-operator';
  await makeAccount({ redis, mongoDbUrl: stack.settings.MONGODB_URL }, userId, 'operator');
  const token = await tokenOf(userId, 'operator');
  const parametersOf: Record<string, readonly string[]> = {
    requestId: requestIds,
    queue: ['chat_requests', 'chat_responses'],
    id: [],
  };
  const ofApi = Object.keys(adminRights)
    .filter((right) => right.startsWith('GET '))
    .flatMap((right) => {
      const path = right.slice(4);
      const name = /\{(\w+)\}/.exec(path)?.[1];
      return name === undefined ? [path] : parametersOf[name]!.map((value) => path.replace(/\{\w+\}/, value));
    });
  const board = '/admin/queues/api/queues';
  const ofBoard = [
    ...JOB_STATES.map((state) => `${board}?activeQueue=${JOBS_QUEUE}&status=${state}&page=1&jobsPerPage=100`),
    ...requestIds.map((requestId) => `${board}/${JOBS_QUEUE}/r-${requestId}`),
    ...requestIds.map((requestId) => `${board}/${JOBS_QUEUE}/r-${requestId}/logs`),
  ];
  const paths = ['/', '/admin', '/admin/queues', ...ofApi, ...ofBoard];
  const url = stack.apiUrls[0]!;
  const pages: string[] = [];
  for (const path of paths) pages.push(await read(url + path, { Authorization: `Bearer ${token}` }));
  return pages;
}

/** A job may be gone. For a moment a server may be away, and a process that was killed may not have started again. */
async function read(url: string, headers: Record<string, string> = {}): Promise<string> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(RETRY_MS)) {
    const response = await fetch(url, { headers }).catch((error) => {
      if (Date.now() > end) throw error;
    });
    if (!response) continue;
    const text = await response.text();
    if (response.ok || (response.status === 404 && OF_A_JOB.test(new URL(url).pathname))) return text;
    const isPassing = response.status === 503 || response.status === 409;
    if (!isPassing || Date.now() > end) throw new Error(`${url}: ${response.status} ${text.slice(0, 200)}`);
  }
}

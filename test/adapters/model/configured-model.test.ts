import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  type CallEnd,
  type ConfiguredModel,
  createConfiguredModel,
} from '../../../src/adapters/model/configured-model.ts';
import type { Model } from '../../../src/adapters/model/model.ts';
import { loadWorkerConfig } from '../../../src/config/load.ts';
import { RequestFailure } from '../../../src/contracts/errors.ts';
import type { ModelAnswer } from '../../../src/contracts/model-answer.ts';
import { testRedisUrl } from '../../services.ts';
import { question } from './ask-provider.ts';

const answer: ModelAnswer = { response: 'So.', model: 'm', provider: 'p', usage: null, finishReason: 'stop' };
const ends: (CallEnd & { provider: string; model: string })[] = [];
let ask: Model['ask'] = async () => answer;
let connections: Redis[];
let model: ConfiguredModel;

beforeAll(async () => {
  const url = await testRedisUrl();
  connections = [new Redis(url), new Redis(url)];
  const config = loadWorkerConfig({
    RABBITMQ_URL: 'amqp://localhost',
    REDIS_URL: url,
    MESSAGE_SIGNING_KEY: 'k'.repeat(32),
    OPENAI_API_KEY: 'sk-x',
    OPENAI_BASE_URL: 'https://models.example.com/v1',
    CHAT_MODEL: 'asked',
  });
  model = createConfiguredModel(config, {
    createProvider: () => ({ parametersOf: () => ({}) as never, ask: (...args) => ask(...args) }),
    redis: connections[0]!,
    subscriber: connections[1]!,
    keyOf: () => '',
    onCall: (target, end) => ends.push({ ...target, ...end }),
    onBreaker: () => {},
  });
});
afterAll(() => {
  model.close();
  for (const redis of connections) redis.disconnect();
});

test('each call of a model is reported: whom it asked, how long it took, and whether it may have cost money for nothing', async () => {
  const target = { provider: 'models.example.com', model: 'asked', region: '' };
  const calling = new AbortController();
  const failures = [
    new RequestFailure('model_timeout', 'late', { mayBeCharged: true }),
    new RequestFailure('model_unreachable', 'nobody there'),
  ];
  const traceId = 'the trace of the request';
  await model.ask({ ...question, traceId }, calling.signal, 1);
  for (const failure of failures) {
    ask = () => Promise.reject(failure);
    await expect(model.ask(question, calling.signal, 1)).rejects.toBe(failure);
  }
  ask = async (_question, signal) => {
    calling.abort(new Error('stop'));
    throw signal.reason;
  };
  await expect(model.ask(question, calling.signal, 1)).rejects.toThrow('stop');
  const durationMs = expect.any(Number);
  expect(ends).toEqual([
    { ...target, outcome: 'ok', durationMs, traceId, answer },
    { ...target, outcome: 'model_timeout', durationMs, traceId: '', uncertain: 'no answer' },
    { ...target, outcome: 'model_unreachable', durationMs, traceId: '', uncertain: undefined },
    { ...target, outcome: 'aborted', durationMs, traceId: '', uncertain: 'aborted' },
  ]);
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createConfiguredModel } from '../../../src/adapters/model/configured-model.ts';
import { createGateAdmin } from '../../../src/adapters/model/gate-admin.ts';
import type { ModelQuestion } from '../../../src/adapters/model/model.ts';
import { loadWorkerConfig } from '../../../src/config/load.ts';
import { RequestFailure } from '../../../src/contracts/errors.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';
import { never, question } from './ask-provider.ts';

const fallback = (name: string, more: object) => ({
  ...{ name, baseUrl: `https://${name}.example.com/v1`, model: 'm', apiKeyEnv: 'OTHER_KEY' },
  ...more,
});
const settings = {
  RABBITMQ_URL: 'amqp://localhost',
  REDIS_URL: 'redis://localhost',
  MESSAGE_SIGNING_KEY: 'k'.repeat(32),
  OPENAI_API_KEY: 'sk-x',
  OTHER_KEY: 'sk-y',
  OPENAI_BASE_URL: 'https://first.example.com/v1',
  CHAT_MODEL: 'asked',
};

let connections: Redis[];
beforeAll(async () => {
  const url = await testRedisUrl();
  connections = [new Redis(url), new Redis(url)];
});
afterAll(() => {
  for (const redis of connections) redis.disconnect();
});

/** A model whose providers all fail, and whom it has asked. */
function modelOf(more: Record<string, string>) {
  const asked: { provider: string; question: ModelQuestion }[] = [];
  const model = createConfiguredModel(loadWorkerConfig({ ...settings, ...more }), {
    createProvider: ({ name, systemPrompt }) => ({
      parametersOf: () => ({
        provider: name,
        body: { model: name, messages: [{ role: 'system', content: systemPrompt }] },
      }),
      ask: async (sent) => {
        asked.push({ provider: name, question: sent });
        throw new RequestFailure('model_unreachable', 'nobody there');
      },
    }),
    redis: connections[0]!,
    subscriber: connections[1]!,
    keyOf: () => '',
    onCall: () => {},
    onBreaker: () => {},
  });
  const askAll = async () => {
    await expect(model.ask({ ...question, message: 'I am jane@example.com' }, never, 9)).rejects.toThrow();
    return asked;
  };
  return { model, askAll };
}

test('a provider without permission is never asked, and operators see why', async () => {
  const { model, askAll } = modelOf({
    TEXT_REGIONS: 'EU,CH',
    TEXT_AGREEMENT_REQUIRED: 'true',
    MODEL_REGION: 'US',
    MODEL_AGREEMENT: 'DPA 1',
    MODEL_FALLBACKS: JSON.stringify([
      fallback('elsewhere', {}),
      fallback('unsigned', { region: 'EU' }),
      fallback('right', { region: 'CH', agreement: 'DPA 2' }),
    ]),
  });
  expect((await askAll()).map(({ provider }) => provider)).toEqual(['right']);
  expect(model.parametersOf(question).provider).toBe('right');
  const admin = createGateAdmin(connections[0]!);
  const gates = await until('all are listed', async () => {
    const list = await admin.list();
    return list.length === 4 && list;
  });
  expect(gates).toMatchObject([
    { provider: 'elsewhere', state: 'shut', cause: 'no-region', region: null, agreement: null },
    { provider: 'first.example.com', state: 'shut', cause: 'no-region', region: 'US', agreement: 'DPA 1' },
    { provider: 'right', state: 'open', cause: null, region: 'CH', agreement: 'DPA 2' },
    { provider: 'unsigned', state: 'shut', cause: 'no-agreement', region: 'EU', agreement: null },
  ]);
  model.close();
});

test('a worker that may ask nobody does not start, and says what to set', () => {
  expect(() =>
    modelOf({ TEXT_REGIONS: 'EU', MODEL_FALLBACKS: JSON.stringify([fallback('other', { region: 'US' })]) }),
  ).toThrow(
    /OPENAI_BASE_URL is in no region of TEXT_REGIONS; other is in no region of TEXT_REGIONS\): set MODEL_REGION/,
  );
  expect(() => modelOf({ TEXT_AGREEMENT_REQUIRED: 'true' })).toThrow(/OPENAI_BASE_URL has no agreement\): set/);
  modelOf({ TEXT_REGIONS: 'EU', MODEL_REGION: 'EU' }).model.close();
});

test('with REMOVE_IDENTITIES every provider gets placeholders and is told what they are; without it, nothing changes', async () => {
  for (const on of [true, false]) {
    const { model, askAll } = modelOf({
      REMOVE_IDENTITIES: String(on),
      MODEL_FALLBACKS: JSON.stringify([fallback('other', {})]),
    });
    const asked = await askAll();
    expect(asked.map(({ provider }) => provider)).toEqual(['first.example.com', 'other']);
    for (const { question: sent } of asked) expect(sent.message.includes('jane')).toBe(!on);
    expect(JSON.stringify(model.parametersOf(question).body).includes('placeholders')).toBe(on);
    model.close();
  }
});

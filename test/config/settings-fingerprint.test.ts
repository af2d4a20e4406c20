import { expect, test } from '@jest/globals';
import { loadApiConfig, loadWorkerConfig } from '../../src/config/load.ts';
import { settingsFingerprint } from '../../src/config/settings-fingerprint.ts';

const env = {
  RABBITMQ_URL: 'amqp://localhost',
  REDIS_URL: 'redis://localhost',
  MESSAGE_SIGNING_KEY: 'a key that is long enough to sign messages with',
  OPENAI_API_KEY: 'sk-test',
  JWT_SECRET: 'a secret that is long enough to sign tokens with it',
};
const apis = (more = {}) => settingsFingerprint(loadApiConfig({ ...env, ...more }));
const workers = (more = {}) => settingsFingerprint(loadWorkerConfig({ ...env, ...more }));

test('processes whose settings agree have the same fingerprint, whatever else differs', () => {
  expect(apis()).toMatch(/^[0-9a-f]{8}$/);
  expect(workers({ LOG_LEVEL: 'debug', REDIS_URL: 'redis://worker:secret@localhost' })).toBe(apis());
});

test.each([
  { NAMESPACE: 'other' },
  { MESSAGE_SIGNING_KEY: 'another key that is long enough to sign with' },
  { CHAT_MODEL: 'another-model' },
  { REDELIVERY_WINDOW: '1h' },
])('%p makes another one', (different) => {
  expect(workers(different)).not.toBe(apis());
});

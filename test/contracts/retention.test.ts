import { expect, test } from '@jest/globals';
import { loadApiConfig } from '../../src/config/load.ts';
import { settingValue } from '../../src/config/setting-value.ts';
import { kindsOfData } from '../../src/contracts/kept-data.ts';
import { retention, sweepNames } from '../../src/contracts/retention.ts';

const rows = Object.entries(retention);

test('every kind of data of a user has a limit', () => {
  const covered = new Set(rows.map(([, { kind }]) => kind));
  expect(kindsOfData.filter((kind) => !covered.has(kind))).toEqual([]);
});

test('every limit by a setting is one that the api knows', () => {
  const config = loadApiConfig({
    ...{ RABBITMQ_URL: 'amqp://localhost', REDIS_URL: 'redis://localhost', NODE_ENV: 'development' },
    MESSAGE_SIGNING_KEY: 'a signing key of at least thirty-two bytes',
  });
  const settings = rows.flatMap(([, { limit }]) => ('setting' in limit ? [limit.setting] : []));
  expect(settings.length).toBeGreaterThan(10);
  for (const setting of settings) expect([setting, typeof settingValue(config, setting)]).toEqual([setting, 'number']);
});

test('what the sweeper sees to has a sweep, and every sweep belongs to something', () => {
  for (const [name, { enforcedBy, sweeps = [] }] of rows) {
    if (enforcedBy === 'sweeper') expect([name, sweeps.length]).not.toEqual([name, 0]);
  }
  expect([...new Set(rows.flatMap(([, { sweeps = [] }]) => sweeps))].sort()).toEqual([...sweepNames].sort());
});

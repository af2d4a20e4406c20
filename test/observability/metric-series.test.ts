import { expect, test } from '@jest/globals';
import { Counter, Histogram, Registry } from 'prom-client';
import { createCounter, createHistogram } from '../../src/observability/metric-series.ts';

const labelNames = ['code', 'status'] as const;
const about = { name: 'seen', help: 'What was seen.', labelNames: [...labelNames] };
/** A number and its text are the same label. A label may be left out. */
const labels = [{ code: 'a', status: 200 }, { code: 'b', status: 200 }, { code: 'a', status: '200' }, { code: 'a' }];

test('a counter shows the same as one of prom-client', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const mine = createCounter({ ...about, registers: [ours] });
  const original = new Counter({ ...about, registers: [theirs] });
  for (const by of [1, 2, 0, 0.5]) {
    for (const each of labels) {
      mine.inc(each, by);
      original.inc(each, by);
    }
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
});

test('a histogram shows the same as one of prom-client, also at the bounds of its buckets and above them', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const buckets = [0.1, 1, 2.5];
  for (const registry of [ours, theirs]) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  const mine = createHistogram({ ...about, buckets, registers: [ours] });
  const original = new Histogram({ ...about, buckets, registers: [theirs] });
  for (const value of [0, 0.1, 0.1000001, 1, 2.5, 3, 1e9]) {
    for (const each of labels) {
      mine.observe(each, value);
      original.observe(each, value);
    }
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
});

import { expect, test } from '@jest/globals';
import { reportFailures } from '../../../src/observability/traces/report-failures.ts';
import { captureLog } from '../../captured-log.ts';

const batch = { spans: 7, bytes: new Uint8Array() };

test('an operator reads once that a collector is away, then how many spans were lost, and once that it is too slow', async () => {
  const { logger, lines } = captureLog();
  let error: Error | undefined = new Error('away');
  const { send, onDropped } = reportFailures(async () => error, logger);
  await send(batch);
  onDropped();
  await send(batch);
  expect(lines).toMatchObject([{ msg: 'the collector takes no spans: traces are lost' }]);
  error = undefined;
  await send(batch);
  await send(batch);
  expect(lines.slice(1)).toMatchObject([{ msg: 'the collector takes spans again', lost: 15 }]);
  onDropped();
  onDropped();
  expect(lines.slice(2)).toMatchObject([{ msg: 'the collector takes spans too slowly: some are dropped', lost: 1 }]);
});

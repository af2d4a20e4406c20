import { expect, test } from '@jest/globals';
import { createDeadLetterLog } from '../../../src/adapters/rabbitmq/dead-letter-log.ts';
import type { Delivery } from '../../../src/adapters/rabbitmq/settle-batch.ts';
import { captureLog } from '../../captured-log.ts';
import { until } from '../../until.ts';

const delivery = (messageId: string) =>
  ({ messageId, body: Buffer.from('body'), properties: { appId: 'shop', userId: 'theirs' } }) as unknown as Delivery;

test('the first dead letter of a reason is logged with its sender, and those that follow are counted', async () => {
  const { logger, said } = captureLog();
  const log = createDeadLetterLog(logger, 'chat_requests.dlq', { countForMs: 50 });
  for (let i = 0; i < 100; i += 1) log(delivery(`m-${i}`), 'not_json', 'the body is not valid JSON');
  log(delivery('other'), 'empty', 'the body is empty');
  expect(said('a message was dead-lettered')).toMatchObject([
    { queue: 'chat_requests.dlq', reason: 'not_json', messageId: 'm-0', appId: 'shop', userId: 'theirs', bytes: 4 },
    { reason: 'empty', messageId: 'other' },
  ]);
  await until('they are counted', () => said('more messages').length > 0);
  expect(said('more messages')).toMatchObject([{ reason: 'not_json', count: 99, messageId: 'm-99', appId: 'shop' }]);
});

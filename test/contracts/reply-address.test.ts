import { expect, test } from '@jest/globals';
import { UnreadableMessage } from '../../src/contracts/read-message.ts';
import { readReplyAddress } from '../../src/contracts/reply-address.ts';

const read = (replyTo: unknown, correlationId?: unknown) => readReplyAddress({ replyTo, correlationId }, () => true);

test.each([
  ['orders', 'orders'],
  ['a/b c', 'a/b c'],
  ['/queues/a%2Fb', 'a/b'],
  ['/amq/queue/orders', 'orders'],
  ['/queue/orders', 'orders'],
  ['amq.rabbitmq.reply-to.g1h2.x==', 'amq.rabbitmq.reply-to.g1h2.x=='],
])('a reply_to of %s is the queue %s', (replyTo, queue) => {
  expect(read(replyTo, 'call-7')).toEqual({ to: queue, correlationId: 'call-7' });
});

test.each([undefined, null, '', 7, 'chat_responses', '/queues/chat_responses'])(
  'a reply_to of %p is as good as none',
  (replyTo) => {
    expect(read(replyTo)).toBeUndefined();
  },
);

test.each([
  ['the queue of requests', 'chat_requests'],
  ['the queue of requests, as AMQP 1.0 writes it', '/amq/queue/chat_requests'],
  ['a lock', 'chat_requests.dlq.lock'],
  ['an exchange', '/exchanges/amq.topic/key'],
  ['an exchange, as RabbitMQ 3 writes it', '/exchange/amq.topic/key'],
  ['a topic', '/topic/key'],
  ['nothing behind the address', '/queues/'],
  ['no percent encoding', '/queues/%'],
  ['what only RabbitMQ can fill in', 'amq.rabbitmq.reply-to'],
  ['bytes that were no UTF-8', 'replies-\ufffd'],
])('a reply_to that no answer can or may go to is refused before the model is asked: %s', (_, replyTo) => {
  expect(() => read(replyTo)).toThrow(UnreadableMessage);
});

test('a correlation_id that was no UTF-8 cannot be given back, which only matters to those who want a reply', () => {
  expect(() => read('orders', '\ufffd\ufffd')).toThrow('cannot be given back');
  expect(read(undefined, '\ufffd')).toBeUndefined();
});

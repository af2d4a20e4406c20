import { expect, test } from '@jest/globals';
import { createNodeOrder } from '../../../src/adapters/rabbitmq/node-order.ts';

const nodes = ['amqp://u:p,w@one:1', 'amqp://u:p,w@two:2', 'amqp://u:p,w@three:3'];
const take = (count: number) => {
  const order = createNodeOrder(nodes.join(', '));
  return Array.from({ length: count }, () => order.next());
};

test('each round has every node, whatever characters a password has', () => {
  const tried = take(9);
  for (const from of [0, 3, 6]) expect(new Set(tried.slice(from, from + 3))).toEqual(new Set(nodes));
});

test('the node that was tried last comes last in the next round', () => {
  for (let run = 0; run < 50; run++) {
    const tried = take(6);
    expect(tried[5]).toBe(tried[2]);
  }
});

test('not every process begins with the same node', () => {
  expect(new Set(Array.from({ length: 200 }, () => take(1)[0])).size).toBe(3);
});

test('a single node is tried again and again', () => {
  const order = createNodeOrder('amqp://one');
  expect([order.next(), order.next()]).toEqual(['amqp://one', 'amqp://one']);
});

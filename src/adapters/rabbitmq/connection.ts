import type { ChannelModel, RecoveringChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { writeTogether } from '../../batching/write-together.ts';
import { type BrokerRights, declaringRights } from '../../contracts/broker-rights.ts';
import { HealifyError } from '../../contracts/errors.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { type BrokerAddress, connect, connectOptions, nodeAddress, socketOf } from './amqp-client.ts';
import { closeInTime } from './close-in-time.ts';
import { createNodeOrder } from './node-order.ts';
import { explainVirtualHost } from './refusals.ts';
import { declareTopology } from './topology.ts';
import { createTroubles, type Troubles } from './troubles.ts';

/**
 * The states of a connection:
 * - *connecting* until the broker has answered and has the queues, and again after the connection was lost
 * - *connected*
 * - *blocked* while the broker is short of memory or disk and takes no messages
 * - *closed* for good
 */
export type BrokerState = 'connecting' | 'connected' | 'blocked' | 'closed';

export interface BrokerConnection {
  readonly state: BrokerState;
  /** What RabbitMQ refuses or does not do although the connection exists. */
  readonly troubles: Troubles;
  /** The rights that the process needs. The log tells an operator who has granted fewer. */
  readonly rights: BrokerRights;
  /** See BrokerAddress. */
  readonly userId: string | undefined;
  /** Resolves once there is a connection, however long that takes. */
  ready(): Promise<void>;
  /** Calls `open` for each new connection, and at once if there is one. Channels do not outlive a connection. */
  onConnected(open: (model: ChannelModel) => void): void;
  close(): Promise<void>;
}

const STILL_WAITING_MS = 10_000;

/**
 * Connects to RabbitMQ and declares the queues. Whenever the connection is lost, it connects again with jittered
 * backoff, without an end, each time to the next node if there are several. The log says once that the connection is lost,
 * and once that it is back.
 * @param options.name shown in RabbitMQ's list of connections
 * @param options.rights what the process needs. Left out: all rights that any process needs
 */
export async function connectRabbitMq(
  options: BrokerAddress & {
    name: string;
    logger: Logger;
    rights?: BrokerRights;
    onStateChange?: (state: BrokerState) => void;
  },
): Promise<BrokerConnection> {
  const { url, name, logger, rights = declaringRights, onStateChange } = options;
  const troubles = createTroubles({ connection: name, logger });
  let state: BrokerState = 'connecting';
  let current: ChannelModel | undefined;
  let lastProblem: string | undefined;
  let lastSaidAt = 0;
  let saidOtherBroker = false;
  const openers: ((model: ChannelModel) => void)[] = [];

  const enter = (next: BrokerState) => {
    if (state === next || state === 'closed') return;
    state = next;
    onStateChange?.(next);
  };

  const order = createNodeOrder(url);
  let node = order.next();
  // amqplib reads this address anew for each try, so the next node is chosen by changing it.
  const address = nodeAddress(node);
  const recovering: RecoveringChannelModel = await connect(address, {
    ...connectOptions(options, name),
    recovery: { initialDelay: 200, maxDelay: 5_000, jitter: 0.5, waitForConnect: false, setup: setUp },
  });
  recovering.on('reconnect-scheduled', () => {
    node = order.next();
    Object.assign(address, nodeAddress(node));
  });

  const warnOfOtherBroker = (model: ChannelModel) => {
    const { product, version } = model.connection.serverProperties;
    if (product === 'RabbitMQ' || saidOtherBroker) return;
    saidOtherBroker = true;
    logger.warn(
      { connection: name, product, version },
      'the broker is not RabbitMQ; this product was never tested with it',
    );
  };

  recovering.on('connect', (model) => {
    const socket = socketOf(model);
    if (socket) writeTogether(socket);
    current = model;
    lastProblem = undefined;
    enter('connected');
    warnOfOtherBroker(model);
    logger.info({ connection: name, node: new URL(node).host }, 'connected to RabbitMQ');
    for (const open of openers) open(model);
  });
  recovering.on('disconnect', (error) => {
    current = undefined;
    troubles.clearAll();
    if (state !== 'closed')
      logger.warn(
        { connection: name, node: new URL(node).host, reason: safeMessage(error) },
        'lost RabbitMQ, connecting again',
      );
    enter('connecting');
  });
  recovering.on('connect-failed', (error) => {
    const problem = explainVirtualHost(describe(error), node);
    const now = performance.now();
    if (problem === lastProblem && now - lastSaidAt < STILL_WAITING_MS) return;
    lastProblem = problem;
    lastSaidAt = now;
    logger.warn({ connection: name, node: new URL(node).host, reason: problem }, 'waiting for RabbitMQ');
  });
  recovering.on('blocked', (reason) => {
    enter('blocked');
    logger.warn({ connection: name, reason }, 'RabbitMQ is short of memory or disk and takes no messages');
  });
  recovering.on('unblocked', () => {
    enter('connected');
    logger.info({ connection: name }, 'RabbitMQ takes messages again');
  });
  // `disconnect` follows each error, and is handled above.
  recovering.on('error', () => {});

  return {
    get state() {
      return state;
    },
    troubles,
    rights,
    userId: options.userId,
    ready: async () => {
      await recovering.waitForConnect();
    },
    onConnected: (open) => {
      openers.push(open);
      if (current) open(current);
    },
    close: async () => {
      enter('closed');
      await closeInTime(recovering.close());
    },
  };
}

async function setUp(model: ChannelModel): Promise<void> {
  // Without a listener, losing the connection now would end the process. The calls reject as well.
  model.on('error', () => {});
  try {
    await declareTopology(model);
  } catch (error) {
    // amqplib would close the connection itself, and would wait for ever if it is lost meanwhile.
    await closeInTime(model.close());
    throw error;
  }
}

function describe(error: Error): string {
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  if (cause instanceof HealifyError) return cause.message;
  const message = safeMessage(cause) || safeMessage(error) || error.name;
  // amqplib takes the first bytes of another protocol for the size of a frame.
  if (/^Frame size \d+ exceeds/.test(message)) {
    return 'the server at this address does not speak AMQP 0-9-1 (it is another service, or another port of the broker)';
  }
  if (/^Socket closed abruptly during opening handshake/.test(message)) {
    return `${message} (the port may need TLS, that is amqps://, or belong to another service)`;
  }
  // 540 is NOT_IMPLEMENTED.
  if (/PRECONDITION_FAILED - invalid|NOT_IMPLEMENTED|\b540\b/.test(message)) {
    return `${message} (the broker must be RabbitMQ 3.10 or newer, which has quorum queues)`;
  }
  if (!message.includes('PRECONDITION_FAILED')) return message;
  return `${message} (a queue exists with other arguments: move its messages away and delete it; it will be declared again)`;
}

import { type BrokerConnection, type BrokerState, connectRabbitMq } from '../adapters/rabbitmq/connection.ts';
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import type { Logger } from '../observability/log.ts';

/**
 * Connects to RabbitMQ twice, to consume and to publish: a broker that is short of memory stops reading from those that
 * publish, and acknowledgements would be stuck behind.
 */
export async function connectToBroker(options: {
  url: string;
  name: string;
  logger: Logger;
  connectionUp: { set(labels: { server: string }, value: 0 | 1): void };
}): Promise<{ consuming: BrokerConnection; publishing: BrokerConnection }> {
  const { url, name, logger, connectionUp } = options;
  const connect = (purpose: 'consume' | 'publish') =>
    connectRabbitMq({
      url,
      name: `${name} (${purpose})`,
      logger,
      onStateChange: (state: BrokerState) =>
        connectionUp.set({ server: `rabbitmq-${purpose}` }, state === 'connected' ? 1 : 0),
    });
  return { consuming: await connect('consume'), publishing: await connect('publish') };
}

/** For a health check. @throws Error unless messages would be taken from the broker and sent to it now */
export function mustBeConnected(consuming: BrokerConnection, publisher: Publisher): void {
  if (consuming.state !== 'connected' || !publisher.ready) throw new Error('not connected');
}

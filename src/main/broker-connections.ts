import type { BrokerAddress } from '../adapters/rabbitmq/amqp-client.ts';
import { type BrokerConnection, type BrokerState, connectRabbitMq } from '../adapters/rabbitmq/connection.ts';
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { leastRights } from '../contracts/broker-rights.ts';
import type { OnUp } from '../observability/connection-reports.ts';
import { Unhealthy } from '../observability/health.ts';
import type { Logger } from '../observability/log.ts';

/**
 * Connects to RabbitMQ twice, once to consume and once to publish. A broker that is short of memory or disk stops
 * reading from connections that publish. On a single connection, acknowledgements would be stuck behind the published
 * messages.
 */
export async function connectToBroker(options: {
  address: BrokerAddress;
  name: string;
  process: 'api' | 'worker';
  logger: Logger;
  onUp: OnUp;
}): Promise<{ consuming: BrokerConnection; publishing: BrokerConnection }> {
  const { address, name, process, logger, onUp } = options;
  const connect = (purpose: 'consume' | 'publish') =>
    connectRabbitMq({
      ...address,
      name: `${name} (${purpose})`,
      rights: leastRights[process],
      logger,
      onStateChange: (state: BrokerState) => onUp(`rabbitmq-${purpose}`, state === 'connected'),
    });
  return { consuming: await connect('consume'), publishing: await connect('publish') };
}

/** For a health check. @throws Error unless messages can be consumed and published now */
export function mustBeConnected(options: {
  consuming: BrokerConnection;
  publishing: BrokerConnection;
  publisher: Publisher;
}): void {
  const { consuming, publishing, publisher } = options;
  if (consuming.state !== 'connected' || !publisher.ready) throw new Error('not connected');
  if (consuming.troubles.any || publishing.troubles.any) {
    throw new Unhealthy('is connected, but refuses something or does not confirm; see the log');
  }
}

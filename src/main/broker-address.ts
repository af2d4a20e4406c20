import type { BrokerAddress } from '../adapters/rabbitmq/amqp-client.ts';

/** Where RabbitMQ is, as the settings say. */
export const brokerAddressOf = (config: {
  rabbitmqUrl: string;
  rabbitmqCa?: Buffer | undefined;
  rabbitmqCert?: Buffer | undefined;
  rabbitmqKey?: Buffer | undefined;
}): BrokerAddress => ({
  url: config.rabbitmqUrl,
  tls: { ca: config.rabbitmqCa, cert: config.rabbitmqCert, key: config.rabbitmqKey },
});

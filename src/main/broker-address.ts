import type { BrokerAddress } from '../adapters/rabbitmq/amqp-client.ts';

/** Returns RabbitMQ's address, and our credentials, from the settings. */
export const brokerAddressOf = (config: {
  rabbitmqUrl: string;
  rabbitmqCaFile?: Buffer | undefined;
  rabbitmqCertFile?: Buffer | undefined;
  rabbitmqKeyFile?: Buffer | undefined;
}): BrokerAddress => ({
  url: config.rabbitmqUrl,
  tls: { ca: config.rabbitmqCaFile, cert: config.rabbitmqCertFile, key: config.rabbitmqKeyFile },
});

import type { BrokerAddress } from '../adapters/rabbitmq/amqp-client.ts';

/** Where RabbitMQ is, and how to prove who we are, as the settings say. */
export const brokerAddressOf = (config: {
  rabbitmqUrl: string;
  rabbitmqCaFile?: Buffer | undefined;
  rabbitmqCertFile?: Buffer | undefined;
  rabbitmqKeyFile?: Buffer | undefined;
}): BrokerAddress => ({
  url: config.rabbitmqUrl,
  tls: { ca: config.rabbitmqCaFile, cert: config.rabbitmqCertFile, key: config.rabbitmqKeyFile },
});

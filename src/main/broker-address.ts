import type { BrokerAddress } from '../adapters/rabbitmq/amqp-client.ts';
import { brokerUser } from '../contracts/broker-urls.ts';
import type { AllowedPublisher } from '../contracts/publishers.ts';

/** Returns RabbitMQ's address, and our credentials, from the settings. */
export const brokerAddressOf = (config: {
  rabbitmqUrl: string;
  rabbitmqCaFile?: Buffer | undefined;
  rabbitmqCertFile?: Buffer | undefined;
  rabbitmqKeyFile?: Buffer | undefined;
  publishers: readonly AllowedPublisher[];
}): BrokerAddress => ({
  url: config.rabbitmqUrl,
  userId: config.publishers.length > 0 ? brokerUser(config.rabbitmqUrl) : undefined,
  tls: { ca: config.rabbitmqCaFile, cert: config.rabbitmqCertFile, key: config.rabbitmqKeyFile },
});

import { once } from 'node:events';
import rhea, { type Message } from 'rhea';
import { freePort } from '../tools/services/free-port.ts';

/** A client that speaks AMQP 1.0, as other companies' products and the AMQP libraries of Apache Qpid do. */
export async function openAmqp10Client(rabbitMqUrl: string) {
  const { hostname, port, username, password, pathname } = new URL(rabbitMqUrl);
  const container = rhea.create_container({ id: `test-${await freePort()}` });
  const vhost = decodeURIComponent(pathname.slice(1)) || '/';
  const connection = container.connect({
    ...{ host: hostname, port: Number(port), username, password, reconnect: false },
    hostname: `vhost:${vhost}`,
  });
  connection.on('disconnected', () => {});
  await once(connection, 'connection_open');
  return {
    /** Resolves once RabbitMQ has it. */
    send: async (address: string, message: Message) => {
      const sender = connection.open_sender(address);
      await once(sender, 'sendable');
      sender.send(message);
      await once(sender, 'settled');
      sender.close();
    },
    /** Every message that comes to an address, from now on. */
    receive: async (address: string): Promise<Message[]> => {
      const messages: Message[] = [];
      const receiver = connection.open_receiver(address);
      receiver.on('message', ({ message }) => message && messages.push(message));
      await once(receiver, 'receiver_open');
      return messages;
    },
    close: async () => {
      connection.close();
      await once(connection, 'connection_close');
    },
  };
}

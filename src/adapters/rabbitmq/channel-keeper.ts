import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { safeMessage } from '../../contracts/safe-message.ts';
import { closeInTime } from '../close-in-time.ts';
import type { BrokerConnection } from './connection.ts';
import { declareTopology } from './topology.ts';

const REOPEN_MS = 500;

/**
 * Keeps a channel open: opens one on each connection, and another when the broker closes it while the connection
 * stands (a deleted queue, a consumer timeout).
 * @param open makes the channel and what belongs on it
 * @param onLost the channel is gone, and with it every delivery and confirm outstanding on it
 */
export function keepChannel<C extends Channel>(options: {
  connection: BrokerConnection;
  name: string;
  logger: Logger;
  open: (model: ChannelModel) => Promise<C>;
  onOpen: (channel: C) => Promise<void> | void;
  onLost: () => void;
}): { close(): Promise<void> } {
  const { connection, name, logger, open, onOpen, onLost } = options;
  let latest: ChannelModel | undefined;
  let channel: C | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const reopenOn = (model: ChannelModel) => {
    if (closed || model !== latest) return;
    timer = setTimeout(() => void openOn(model, true), REOPEN_MS);
  };

  async function openOn(model: ChannelModel, again: boolean): Promise<void> {
    if (closed || model !== latest) return;
    try {
      // Its queue may have been deleted, and nobody else makes it anew while the connection stands.
      if (again) await declareTopology(model);
      const opened = await open(model);
      let lost = false;
      opened.on('error', (error) =>
        logger.warn({ channel: name, reason: safeMessage(error) }, 'RabbitMQ closed a channel'),
      );
      opened.on('close', () => {
        lost = true;
        if (channel === opened) channel = undefined;
        onLost();
        reopenOn(model);
      });
      channel = opened;
      await onOpen(opened);
      if (closed && !lost) await opened.close();
    } catch (error) {
      // The connection went away meanwhile, or the channel's own `close` has scheduled the next try.
      if (channel === undefined) reopenOn(model);
      logger.debug({ channel: name, err: error }, 'could not open a channel');
    }
  }

  connection.onConnected((model) => {
    latest = model;
    clearTimeout(timer);
    void openOn(model, false);
  });

  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      if (channel) await closeInTime(channel.close());
    },
  };
}

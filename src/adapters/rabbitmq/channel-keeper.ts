import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { safeMessage } from '../../contracts/safe-message.ts';
import { closeInTime } from './close-in-time.ts';
import type { BrokerConnection } from './connection.ts';
import { QUEUE_REMEDY } from './queue-remedy.ts';
import { explainRefusal } from './refusals.ts';
import { declareTopology } from './topology.ts';

const REOPEN_MS = 500;
/** The pause after a refusal. Rights are not granted within moments, and RabbitMQ logs each refusal. */
const REOPEN_REFUSED_MS = 5_000;
const UNANSWERED_MS = 10_000;
const unansweredText = (name: string) =>
  `RabbitMQ does not answer on the channel ${name}, though it is connected: a quorum queue may not run. ${QUEUE_REMEDY}`;

export interface ChannelKeeper {
  /** Closes the channel, which is then opened again as if the broker had closed it. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Keeps a channel open. It has these states:
 * - *waiting* for a connection
 * - *open*
 * - *reopening* a moment after the broker has closed the channel but not the connection, for example because a queue
 *   was deleted or a consumer timed out
 * - *closed* for good
 * @param open makes the channel
 * @param onOpen prepares the channel, for example by consuming
 * @param onLost the channel is lost, with all its outstanding deliveries and confirms
 */
export function keepChannel<C extends Channel>(options: {
  connection: BrokerConnection;
  name: string;
  logger: Logger;
  open: (model: ChannelModel) => Promise<C>;
  onOpen: (channel: C) => Promise<void> | void;
  onLost: () => void;
}): ChannelKeeper {
  const { connection, name, logger, open, onOpen, onLost } = options;
  let latest: ChannelModel | undefined;
  let channel: C | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const reopenOn = (model: ChannelModel, afterMs = REOPEN_MS) => {
    if (closed || model !== latest) return;
    timer = setTimeout(() => void openOn(model, true), afterMs);
  };

  async function openOn(model: ChannelModel, again: boolean): Promise<void> {
    if (closed || model !== latest) return;
    try {
      // Its queue may have been deleted. While the connection exists, nobody else declares the queue again.
      if (again) await declareTopology(model);
      const opened = await open(model);
      let lost = false;
      let refusal: string | undefined;
      opened.on('error', (error) => {
        refusal = explainRefusal(error, connection.rights);
        if (refusal) connection.troubles.report(name, refusal);
        else logger.warn({ channel: name, reason: safeMessage(error) }, 'RabbitMQ closed a channel');
      });
      opened.on('close', () => {
        lost = true;
        if (channel === opened) channel = undefined;
        onLost();
        reopenOn(model, refusal ? REOPEN_REFUSED_MS : REOPEN_MS);
      });
      channel = opened;
      const unanswered = setTimeout(() => {
        if (!lost && connection.state === 'connected') connection.troubles.report(name, unansweredText(name));
      }, UNANSWERED_MS);
      opened.once('close', () => clearTimeout(unanswered));
      await onOpen(opened);
      clearTimeout(unanswered);
      if (!lost) connection.troubles.clear(name);
      if (closed && !lost) await opened.close();
    } catch (error) {
      // If there is a channel, its own `close` schedules the next try.
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
    reopen: async () => {
      if (channel) await closeInTime(channel.close());
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      if (channel) await closeInTime(channel.close());
    },
  };
}

import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { safeMessage } from '../../contracts/safe-message.ts';
import { closeInTime } from '../close-in-time.ts';
import type { BrokerConnection } from './connection.ts';
import { QUEUE_REMEDY } from './queue-remedy.ts';
import { explainRefusal } from './refusals.ts';
import { declareTopology } from './topology.ts';

const REOPEN_MS = 500;
/** What RabbitMQ refuses is not granted within moments, and each refusal stands in its log. */
const REOPEN_REFUSED_MS = 5_000;
const UNANSWERED_MS = 10_000;
const unansweredText = (name: string) =>
  `RabbitMQ does not answer on the channel ${name}, though it is connected: a quorum queue may not run. ${QUEUE_REMEDY}`;

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

  const reopenOn = (model: ChannelModel, afterMs = REOPEN_MS) => {
    if (closed || model !== latest) return;
    timer = setTimeout(() => void openOn(model, true), afterMs);
  };

  async function openOn(model: ChannelModel, again: boolean): Promise<void> {
    if (closed || model !== latest) return;
    try {
      // Its queue may have been deleted, and nobody else makes it anew while the connection stands.
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

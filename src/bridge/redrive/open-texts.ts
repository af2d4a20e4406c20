import type { ConsumeMessage } from 'amqplib';
import type { LetterTexts } from '../../contracts/dead-letters.ts';
import { MasterKeyMissingError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';
import { REQUESTS_QUEUE, type WorkQueue } from '../../contracts/queues.ts';
import { readJsonObject, UnreadableMessage } from '../../contracts/read-message.ts';
import { receiveAny } from '../../contracts/sealed-message.ts';
import type { Seals, TextSeals } from '../../contracts/sealing.ts';

/** A letter whose body has the texts of its user as they were written, if they could be opened. */
interface Opened {
  letter: ConsumeMessage;
  texts: LetterTexts;
}

/** Opens what the messages of apis and workers have sealed with the keys of users. Rejects as TextSeals.forOpening does. */
export async function openTexts(
  texts: TextSeals,
  queue: WorkQueue,
  letters: readonly ConsumeMessage[],
): Promise<Opened[]> {
  const received = letters.map((letter) => ({ letter, message: messageIn(letter, queue) }));
  const userIds = new Set(received.flatMap(({ message }) => message?.sealedFor ?? []));
  const seals = await texts.forOpening([...userIds]);
  return received.map(({ letter, message }) => {
    if (message?.sealedFor === undefined) return { letter, texts: 'as_sent' };
    const opened = openedBy(seals, message);
    return opened
      ? { letter: { ...letter, content: Buffer.from(JSON.stringify(opened)) }, texts: 'opened' }
      : { letter, texts: 'cannot_be_opened' };
  });
}

type Message = ReturnType<typeof receiveAny>;

function messageIn({ content, properties }: ConsumeMessage, queue: WorkQueue): Message | undefined {
  try {
    const kind = queue === REQUESTS_QUEUE ? 'request' : 'response';
    const encoding = properties.contentEncoding as string | undefined;
    return receiveAny(kind, readJsonObject(content, encoding, limits.requestMessageBytes));
  } catch (error) {
    if (error instanceof UnreadableMessage) return undefined;
    throw error;
  }
}

function openedBy(seals: Seals, message: Message): object | undefined {
  try {
    return message.open(seals);
  } catch (error) {
    if (error instanceof UnreadableMessage || error instanceof MasterKeyMissingError) return undefined;
    throw error;
  }
}

import type { Message } from 'amqplib';
import { deadLetterHeaders } from '../../contracts/queues.ts';
import type { OwnBodySeals } from '../../contracts/sealing.ts';

/** Returns a letter with the body that its message had. undefined: it is encrypted, and cannot be opened here. */
export function openLetter<T extends Message>(seals: OwnBodySeals, letter: T): T | undefined {
  if (letter.properties.headers?.[deadLetterHeaders.sealed] === undefined) return letter;
  const content = seals.open(letter.content);
  return content && { ...letter, content };
}

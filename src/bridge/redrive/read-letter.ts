import { isUtf8 } from 'node:buffer';
import type { ConsumeMessage } from 'amqplib';
import { cutText } from '../../contracts/cut-text.ts';
import type { Letter, LetterFilter, LetterWithBody } from '../../contracts/dead-letters.ts';
import { publishersOf } from '../../contracts/publishers.ts';
import { deadLetterHeaders, REDRIVE_COUNT_HEADER, type WorkQueue } from '../../contracts/queues.ts';
import { knownHeaders, outlineOf } from './outline.ts';

/**
 * Why and when a message became a dead letter. Our headers say it. If RabbitMQ made the letter, RabbitMQ's headers say
 * it, with the time in seconds only.
 */
export interface Cause {
  reason: string;
  detail: string | null;
  /** ms since 1970. */
  at: number | undefined;
}

const BODY_EXCERPT_BYTES = 2_000;
const DETAIL_CHARS = 500;

export function causeOf(letter: ConsumeMessage): Cause {
  const headers = letter.properties.headers ?? {};
  const reason = textOf(headers[deadLetterHeaders.reason]);
  if (reason !== undefined) {
    const at = Date.parse(textOf(headers[deadLetterHeaders.at]) ?? '');
    const detail = cutText(textOf(headers[deadLetterHeaders.detail]) ?? '', DETAIL_CHARS) || null;
    return { reason, detail, at: Number.isNaN(at) ? undefined : at };
  }
  const [death] = Array.isArray(headers['x-death']) ? headers['x-death'] : [];
  const seconds = death?.time?.value;
  return {
    reason: textOf(death?.reason) ?? 'unknown',
    detail: null,
    at: typeof seconds === 'number' ? seconds * 1000 : undefined,
  };
}

/** Whether a letter matches a filter. A letter without an age matches no filter by age. */
export function matches(letter: ConsumeMessage, filter: LetterFilter, now: number): boolean {
  const { reason, at } = causeOf(letter);
  if (filter.reason !== undefined && filter.reason !== reason) return false;
  if (filter.messageId !== undefined && filter.messageId !== letter.properties.messageId) return false;
  if (filter.olderThan !== undefined && !(at !== undefined && at < now - filter.olderThan)) return false;
  return !(filter.newerThan !== undefined && !(at !== undefined && at > now - filter.newerThan));
}

/** Returns the queue that an undeliverable response was meant for; undefined for every other letter. */
export function replyQueueOf(letter: ConsumeMessage): string | undefined {
  const { [deadLetterHeaders.reason]: reason, [deadLetterHeaders.queue]: queue } = letter.properties.headers ?? {};
  return reason === 'reply_unroutable' || reason === 'reply_refused' ? textOf(queue) : undefined;
}

/** Returns who sent a message, as far as it says so. A dead letter keeps the user in a header of its own. */
export function senderOf({ properties }: ConsumeMessage): Letter['sender'] {
  return { appId: textOf(properties.appId) ?? null, userId: publishersOf(properties).join(', ') || null };
}

/** Returns how often a message was sent back from a dead-letter queue. */
export function redriveCountOf(letter: ConsumeMessage): number {
  const count = letter.properties.headers?.[REDRIVE_COUNT_HEADER];
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** @param queue whose dead letter it is: its messages have names for their fields */
export function describeLetter(letter: ConsumeMessage, queue: WorkQueue): Letter {
  const { content, properties } = letter;
  return {
    ...envelopeOf(letter),
    headers: knownHeaders(properties.headers ?? {}),
    encoding: isUtf8(content) ? 'utf-8' : 'binary',
    outline: outlineOf(content, textOf(properties.contentEncoding), queue),
  };
}

/** @param full whether to show the whole body, or only its beginning */
export function describeWithBody(letter: ConsumeMessage, full: boolean): Omit<LetterWithBody, 'texts'> {
  const { content, properties } = letter;
  const shown = full ? content : content.subarray(0, BODY_EXCERPT_BYTES);
  // The whole body is checked: a character that is cut at the end would make a text look binary.
  const encoding = isUtf8(content) ? 'utf-8' : 'base64';
  return {
    ...envelopeOf(letter),
    headers: { ...properties.headers },
    body: shown.toString(encoding),
    encoding,
    truncated: shown.length < content.length,
  };
}

function envelopeOf(letter: ConsumeMessage) {
  const { headers: _headers, ...properties } = letter.properties;
  const { reason, detail, at } = causeOf(letter);
  return {
    messageId: textOf(properties.messageId) ?? null,
    reason,
    detail,
    at: isoOf(at),
    redriveCount: redriveCountOf(letter),
    bytes: letter.content.length,
    sender: senderOf(letter),
    properties: Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)),
  };
}

/** Formats a time as ISO 8601. A letter may have any number as its time, so the result may be null. */
export const isoOf = (at: number | undefined) =>
  at === undefined || Number.isNaN(new Date(at).getTime()) ? null : new Date(at).toISOString();

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

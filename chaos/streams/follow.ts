import { setTimeout as sleep } from 'node:timers/promises';
import { createEventParser } from '../../src/client/server-sent-events.ts';

/** An event as it came over a connection. */
export interface Received {
  /** The number of the event in its log. undefined: it comes from the turn. */
  id: string | undefined;
  type: string;
  data: string;
}

/** What one reader has got of one stream, over all its connections. */
export interface Reading {
  events: Received[];
  /** How many connections the reader has cut before the end came. */
  cuts: number;
  /** How many connections were refused, or broke. */
  broken: number;
  /** Whether it has got the end of the stream. */
  ended: boolean;
}

/** A reader of one request, who goes to an api at random for each connection. */
export interface Reader {
  apiUrls: readonly string[];
  token: string;
  requestId: string;
  random: () => number;
  /** Ends the reading. */
  signal: AbortSignal;
}

/** Most connections are short, so that cuts come in all states of a stream, also before the first byte of a reply. */
const CUT_WITHIN_MS = 1_500;
const RETRY_MS = 200;
const ENDS = ['completed', 'failed', 'cancelled'];

/** Reads a stream to its end. Its connections are cut at random moments, and each resumes after the last event. */
export async function followWithCuts(reader: Reader, onCut: () => void): Promise<Reading> {
  const { random, signal } = reader;
  const reading: Reading = { events: [], cuts: 0, broken: 0, ended: false };
  while (!reading.ended && !signal.aborted) {
    const cut = new AbortController();
    const timer = setTimeout(() => cut.abort(), random() ** 2 * CUT_WITHIN_MS);
    await readOnce(reader, reading, AbortSignal.any([signal, cut.signal]));
    clearTimeout(timer);
    if (reading.ended || signal.aborted) continue;
    if (cut.signal.aborted) {
      reading.cuts += 1;
      onCut();
    } else {
      reading.broken += 1;
      await sleep(RETRY_MS);
    }
  }
  return reading;
}

/** Reads a stream from its beginning, over one connection. Begins again if that breaks. */
export async function readWhole(reader: Reader): Promise<Reading> {
  for (let broken = 0; ; broken += 1) {
    const reading: Reading = { events: [], cuts: 0, broken, ended: false };
    await readOnce(reader, reading, reader.signal);
    if (reading.ended || reader.signal.aborted) return reading;
    await sleep(RETRY_MS);
  }
}

/** Adds what one connection brings to the reading. */
async function readOnce(reader: Reader, reading: Reading, signal: AbortSignal): Promise<void> {
  const { apiUrls, token, requestId, random } = reader;
  const after = reading.events.findLast(({ id }) => id !== undefined)?.id;
  const inQuery = random() < 0.5;
  const url = new URL(`/chat/requests/${requestId}/events`, apiUrls[Math.floor(random() * apiUrls.length)]);
  if (after !== undefined && inQuery) url.searchParams.set('after', after);
  const parse = createEventParser({
    onEvent: ({ id, event, data }) => {
      if (signal.aborted) return;
      reading.events.push({ id, type: event, data });
      if (ENDS.includes(event)) reading.ended = true;
    },
    onRetry: () => {},
  });
  try {
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(after !== undefined && !inQuery && { 'Last-Event-ID': after }),
    };
    const reply = await fetch(url, { headers, signal });
    if (reply.status !== 200 || !reply.body) return;
    const decoder = new TextDecoder();
    for await (const bytes of reply.body) parse(decoder.decode(bytes, { stream: true }));
  } catch {
    // The connection was cut, or its api is away.
  }
}

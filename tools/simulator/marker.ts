import { createHash } from 'node:crypto';
import { type Fault, faultOf, modes, type Plan, streaming } from './behavior.ts';

const MARKER = /\[\[simulate([^\]]*)\]\]/;
/** How many messages are counted for `times`. The oldest are forgotten. */
const MESSAGES_COUNTED = 100_000;

export class BadMarker extends Error {}

/** The message without its marker. */
export const withoutMarker = (message: string) => message.replace(MARKER, '').trim();

export const hashOf = (message: string) => createHash('sha256').update(message).digest('hex').slice(0, 32);

/**
 * Plans calls by the marker in their message, such as `[[simulate status=500 times=2]]`. `times` is counted for each
 * distinct message: after that many calls the message is answered as if it had no marker.
 */
export function createMarkers(): { planFor(message: string): Plan | undefined; reset(): void } {
  const seen = new Map<string, number>();
  return {
    /**
     * Returns undefined if the message has no marker, or was sent more often than the marker's `times`.
     * @throws BadMarker
     */
    planFor: (message) => {
      const words = MARKER.exec(message)?.[1];
      if (words === undefined) return undefined;
      const { times, ...plan } = parse(words);
      if (times === undefined) return plan;
      const key = hashOf(message);
      const calls = (seen.get(key) ?? 0) + 1;
      seen.delete(key);
      seen.set(key, calls);
      if (seen.size > MESSAGES_COUNTED) seen.delete(seen.keys().next().value!);
      return calls <= times ? plan : undefined;
    },
    reset: () => seen.clear(),
  };
}

function parse(words: string): Plan & { times?: number } {
  const fault: Partial<Fault> = {};
  let latencyMs = 0;
  let times: number | undefined;
  for (const word of words.trim().split(/\s+/)) {
    const [key, value = ''] = word.split('=', 2);
    if (key === 'status') Object.assign(fault, { mode: 'error', status: number(value, 400, 599) });
    else if (key === 'mode') fault.mode = modes.find((mode) => mode === value) ?? bad(`mode=${value}`);
    else if (key === 'retry-after') fault.retryAfterSeconds = number(value, 0, 1e9);
    else if (key === 'retry-after-date') {
      fault.retryAfterSeconds = number(value, 0, 1e9);
      fault.retryAfterFormat = 'http-date';
    } else if (key === 'latency') latencyMs = duration(value);
    else if (key! in STREAM_WORDS) {
      fault.stream = {
        ...(fault.stream ?? streaming.parse({})),
        ...STREAM_WORDS[key as keyof typeof STREAM_WORDS](value),
      };
    } else if (key === 'times') times = number(value, 0, 1e9);
    else bad(word);
  }
  return { fault: faultOf(fault), latencyMs, ...(times !== undefined && { times }) };
}

/** The words of a marker that are about its stream. */
const STREAM_WORDS = {
  'tokens-per-second': (value: string) => ({ tokensPerSecond: number(value, 1, 10_000) }),
  tokens: (value: string) => ({ tokens: number(value, 1, 100_000) }),
  'stall-at': (value: string) => ({ stallAt: number(value, 1, 100_000) }),
  stall: (value: string) => ({ stallMs: duration(value) }),
  'break-at': (value: string) => ({ breakAt: number(value, 1, 100_000) }),
  'break-by': (value: string) => ({ breakBy: oneOf(streaming.shape.breakBy.unwrap().options, value) }),
  'stream-usage': (value: string) => ({ usage: oneOf(streaming.shape.usage.unwrap().options, value) }),
  comments: () => ({ comments: true }),
  'cut-bytes': () => ({ cutBytes: true }),
};

const oneOf = <T extends string>(words: readonly T[], given: string): T =>
  words.find((word) => word === given) ?? bad(given);

function number(text: string, min: number, max: number): number {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max ? value : bad(text);
}

function duration(text: string): number {
  const match = /^(\d{1,7})(ms|s)$/.exec(text);
  return match ? Math.min(3_600_000, Number(match[1]) * (match[2] === 's' ? 1000 : 1)) : bad(text);
}

function bad(word: string): never {
  throw new BadMarker(`the marker's "${word}" is not understood; see --help`);
}

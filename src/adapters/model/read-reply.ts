import { classifyError } from './classify-error.ts';
import { closeJson } from './close-json.ts';
import { type ErrorEvidence, readErrorEvidence } from './error-evidence.ts';
import { completionOf, isEventStream } from './event-stream.ts';
import { jsonOf } from './lenient-json.ts';
import { type Outcome, unreadable } from './outcome.ts';
import { readCompletion } from './read-completion.ts';
import { retryAfterMs } from './retry-after.ts';

/** A provider's reply as it came. */
export interface ProviderReply {
  status: number;
  headers: Headers;
  /** The decoded body. If it was too long, only its beginning. */
  body: string;
  isCut: boolean;
  /** A stream whose events were joined while they arrived. The body is empty then. */
  completion?: object | undefined;
}

/**
 * Reads a provider's reply. Whatever can be parsed as JSON is JSON, whatever the content type says.
 * @param options.maxPauseMs the longest pause that a provider can ask for
 */
export function readReply(
  { status, headers, body, isCut, completion }: ProviderReply,
  options: { removeThinking: boolean; maxPauseMs: number },
): Outcome {
  const text = body.trim();
  const json = completion ?? readJson();
  function readJson() {
    return isEventStream(text) ? completionOf(text, isCut) : jsonOf(isCut ? closeJson(text) : text);
  }
  const pauseOf = ({ retryAfterMs: inBody }: ErrorEvidence) => {
    const pauseMs = retryAfterMs(headers) ?? inBody;
    return pauseMs === undefined ? undefined : boundPause(pauseMs, options.maxPauseMs);
  };
  if (status >= 200 && status < 300) {
    if (json === undefined) return unreadable(notJson(text));
    return readCompletion(json, { removeThinking: options.removeThinking, isCut, pauseOf });
  }
  if (status < 400)
    return unreadable(
      `the provider redirects to another address (${status}); OPENAI_BASE_URL must name the one that answers`,
    );
  const evidence = readErrorEvidence(json ?? text);
  return classifyError({
    status,
    evidence,
    isPage: json === undefined && /^<(!doctype|html|\?xml)/i.test(text),
    pauseMs: pauseOf(evidence),
    charged: false,
  });
}

/** The shortest pause. A model that sends `Retry-After: 0` would be asked in a tight loop otherwise. */
const MIN_PAUSE_MS = 1_000;

const boundPause = (pauseMs: number, maxPauseMs: number) =>
  Math.min(Math.max(MIN_PAUSE_MS, maxPauseMs), Math.max(MIN_PAUSE_MS, Math.ceil(pauseMs)));

const notJson = (text: string) => (text === '' ? 'the reply is empty' : 'the reply is not JSON');

import type { PartialUsage } from '../../contracts/chat-response.ts';
import { jsonOf } from './lenient-json.ts';
import { isError, textOf } from './read-completion.ts';

interface Chunk {
  choices?: unknown;
  model?: unknown;
  usage?: unknown;
  error?: unknown;
  promptFeedback?: unknown;
  prompt_feedback?: unknown;
}

interface Choice {
  delta?: Message | null;
  message?: Message | null;
  text?: unknown;
  finish_reason?: unknown;
  error?: unknown;
}

type Message = Partial<Record<'content' | 'refusal' | 'reasoning_content' | 'reasoning' | 'thinking', unknown>>;

/** Whether a body is a stream of server-sent events, with one comment or field on each line. */
export const isEventStream = (text: string): boolean => /^(:|data:|event:|id:|retry:)/.test(text);

const LINE_END = /\r\n|\n|\r/;
const BYTES_PER_TOKEN = 4;

/** Joins the events of a stream into one chat completion, while they arrive. */
export interface EventStreamReader {
  /** @returns what the text brought, as `ReplySink.write` says it */
  read(text: string): 'token' | 'alive' | 'last' | 'end';
  /** The name that the model has given itself so far. */
  readonly model: unknown;
  /**
   * What the model has written so far: as many tokens as the provider has reported, otherwise an estimate from the number of
   * events and the length of the text.
   */
  usageSoFar(): PartialUsage;
  /** The stream as one completion. A stream that reports an error, or ends before the model has finished, is an error. */
  completion(): object;
  /** Whether the text was longer than allowed, so that reading ended. */
  readonly isCut: boolean;
}

/**
 * @param options.maxChars the longest text that is kept, with the thinking in it
 * @param options.onText gets each piece of the text, with the thinking in it
 */
export function createEventStreamReader({
  maxChars = Number.POSITIVE_INFINITY,
  onText = () => {},
}: {
  maxChars?: number;
  onText?: (piece: string) => void;
}): EventStreamReader {
  /** The beginning of a line whose end has not come yet. */
  let pending = '';
  let event = '';
  let content = '';
  let text = '';
  let refusal = '';
  let failed: { error: unknown } | undefined;
  let done = false;
  let isCut = false;
  let events = 0;
  let unseenChars = 0;
  /** The last value of each of these that was not empty. */
  const last: Chunk & { finish?: unknown; choiceError?: unknown } = {};
  const note = <K extends keyof typeof last>(field: K, value: (typeof last)[K]) => {
    if (value !== undefined && value !== null) last[field] = value;
  };

  /** Returns whether the model has written something. */
  function readLine(line: string): boolean {
    if (line === '') event = '';
    else if (line.startsWith('event:')) event = line.slice(6).trim();
    if (!line.startsWith('data:')) return false;
    const data = line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5);
    if (data.trim() === '[DONE]') done = true;
    if (done) return false;
    const chunk = jsonOf(data);
    return typeof chunk === 'object' && chunk !== null && readChunk(chunk);
  }

  function readChunk(chunk: Chunk): boolean {
    if (isError(chunk.error)) failed = { error: chunk.error };
    else if (event === 'error') failed = { error: chunk };
    note('model', chunk.model);
    note('usage', chunk.usage);
    note('promptFeedback', chunk.promptFeedback);
    note('prompt_feedback', chunk.prompt_feedback);
    const choice = Array.isArray(chunk.choices) ? (chunk.choices[0] as Choice | null | undefined) : undefined;
    if (failed || !choice) return false;
    note('finish', choice.finish_reason);
    if (isError(choice.error)) last.choiceError = choice.error;
    return readMessage(choice.delta ?? choice.message ?? {}, choice.text);
  }

  function readMessage(message: Message, ofOldKind: unknown): boolean {
    const piece = textOf(message.content);
    const other = textOf(ofOldKind);
    const refused = textOf(message.refusal);
    const thought = textOf(message.reasoning_content ?? message.reasoning ?? message.thinking);
    content += piece;
    text += other;
    refusal += refused;
    unseenChars += thought.length;
    const shown = piece || (content === '' ? other : '');
    if (shown) onText(shown);
    if (content.length + text.length + refusal.length + pending.length > maxChars) isCut = true;
    // A thinking part of a list has no text for us, and is a token.
    const wrote = shown !== '' || refused !== '' || thought !== '' || Array.isArray(message.content);
    if (wrote) events += 1;
    return wrote;
  }

  return {
    read: (arrived) => {
      if (!LINE_END.test(arrived)) {
        pending += arrived;
        if (pending.length > maxChars) isCut = true;
        return isCut ? 'end' : 'alive';
      }
      const lines = (pending + arrived).split(LINE_END);
      pending = lines.pop()!;
      let wrote = false;
      for (const line of lines) {
        if (readLine(line)) wrote = true;
        if (done || failed || isCut) return 'end';
      }
      if (last.finish !== undefined) return 'last';
      return wrote ? 'token' : 'alive';
    },
    get model() {
      return last.model;
    },
    get isCut() {
      return isCut;
    },
    usageSoFar: () => {
      const reported = (last.usage as { completion_tokens?: unknown } | undefined)?.completion_tokens;
      if (typeof reported === 'number' && reported > 0) return { completionTokens: reported, estimated: false };
      return estimateUsage(events, content + text + refusal, unseenChars);
    },
    completion: () => {
      // The last line may lack its end.
      if (pending !== '' && !done && !failed && !isCut) readLine(pending);
      pending = '';
      if (failed) return failed;
      const { finish, choiceError, model, usage, promptFeedback, prompt_feedback } = last;
      const isWhole = done || isCut || finish !== undefined;
      return {
        choices: [
          { message: { content, refusal }, text, finish_reason: isWhole ? finish : 'error', error: choiceError },
        ],
        model,
        usage,
        promptFeedback,
        prompt_feedback,
      };
    },
  };
}

/** Reads a whole body as a stream. Some servers send a stream although we did not ask for one. */
export function completionOf(text: string, isCut: boolean): unknown {
  const reader = createEventStreamReader({});
  reader.read(text);
  const joined = reader.completion() as { choices?: { finish_reason?: unknown }[] };
  // What was cut off may have been the end.
  if (isCut && joined.choices?.[0]?.finish_reason === 'error') delete joined.choices[0].finish_reason;
  return joined;
}

/**
 * Counts the tokens of a text that a call has written, where the provider does not.
 * @param pieces in how many pieces it came
 * @param unseenBytes of what the model wrote beside it
 */
export function estimateUsage(pieces: number, text: string, unseenBytes = 0): PartialUsage {
  const bytes = Buffer.byteLength(text) + unseenBytes;
  return { completionTokens: Math.max(pieces, Math.ceil(bytes / BYTES_PER_TOKEN)), estimated: true };
}

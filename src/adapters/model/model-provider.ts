import { StringDecoder } from 'node:string_decoder';
import type OpenAI from 'openai';
import type { Dispatcher } from 'undici';
import type { AnswerProgress } from '../../contracts/answer-progress.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import { createAdaptedParameters } from './adapted-parameters.ts';
import { answerParameters, type ModelSettings } from './answer-parameters.ts';
import { readConnectionError } from './connection-errors.ts';
import { createEventStreamReader, isEventStream } from './event-stream.ts';
import { createDispatcher } from './http/dispatcher.ts';
import type { ReplyLimits } from './http/reply-limits.ts';
import { createWholeFetch, type ReplySink } from './http/whole-fetch.ts';
import type { AskOptions, Model, ModelQuestion } from './model.ts';
import { createModelClient } from './model-client.ts';
import { type Answer, failureOfOutcome, type Outcome } from './outcome.ts';
import { createProgressWriter } from './progress-writer.ts';
import { nameOf } from './read-completion.ts';
import { readReply } from './read-reply.ts';

export type { AnswerParameters, Model, ModelQuestion } from './model.ts';

export interface ModelProviderOptions extends ModelSettings, ReplyLimits {
  apiKey: string;
  /** The limit for the whole call, until the last byte of the answer. */
  timeoutMs: number;
  /** A longer reply is read only up to this size, and its answer is cut. */
  maxReplyBytes?: number | undefined;
  /** The longest pause that a provider can ask for. */
  maxPauseMs?: number | undefined;
  /** US dollars per million tokens. The cost is null unless both prices are known. */
  promptPrice: number | undefined;
  completionPrice: number | undefined;
  /** The connections to use. Left out: a pool of its own. */
  dispatcher?: Dispatcher | undefined;
}

/** A model that does not need to know the number of the attempt. */
export interface ModelProvider extends Model {
  ask(question: ModelQuestion, signal: AbortSignal, attempt?: number, options?: AskOptions): Promise<ModelAnswer>;
}

/** Room for the longest answer that we keep, even if each of its characters is escaped in six bytes. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024;
const MAX_PAUSE_MS = 600_000;
/** In a stream, a field and its colon: `event:`, `retry:`. */
const LONGEST_FIELD = 6;
/** A model may refuse several of our parameters, one in each reply. */
const MOST_REFUSALS = 6;

type Body = OpenAI.Chat.ChatCompletionCreateParams;
type Streaming = Pick<AskOptions, 'onLost'> & { progress: AnswerProgress };

/** A provider that speaks the OpenAI chat completions API. */
export function createModelProvider(options: ModelProviderOptions): ModelProvider {
  const { firstByteTimeoutMs, idleTimeoutMs, timeoutMs } = options;
  const { maxReplyBytes = MAX_REPLY_BYTES, maxPauseMs = MAX_PAUSE_MS, removeThinking = true } = options;
  const { dispatcher = createDispatcher() } = options;
  const fetch = createWholeFetch({ dispatcher, maxBytes: maxReplyBytes, firstByteTimeoutMs, idleTimeoutMs, timeoutMs });
  const client = createModelClient({ baseUrl: options.baseUrl, apiKey: options.apiKey, fetch });
  const parametersOf = answerParameters(options);
  const adapted = createAdaptedParameters();

  async function call(body: Body, signal: AbortSignal): Promise<Outcome> {
    try {
      return readReply(await client.ask(body, signal), { removeThinking, maxPauseMs });
    } catch (error) {
      signal.throwIfAborted();
      return readConnectionError(error);
    }
  }

  /** Asks for a stream. What was written without coming to an answer is told to `onLost`. */
  async function stream(body: Body, signal: AbortSignal, { progress, onLost }: Streaming): Promise<Outcome> {
    const callNow = () => ({ provider: options.name, model: nameOf(reader.model) ?? options.model });
    const writer = createProgressWriter(progress, { removeThinking, callNow });
    const reader = createEventStreamReader({ maxChars: maxReplyBytes, onText: writer.write });
    const decoder = new StringDecoder();
    let taken = false as boolean;
    const sink: ReplySink = {
      accepts: (beginning) => {
        const text = beginning.toString().trimStart();
        taken = isEventStream(text);
        return taken || (text.length < LONGEST_FIELD ? undefined : false);
      },
      write: (chunk) => reader.read(decoder.write(chunk)),
    };
    let isAnswer = false;
    try {
      const reply = await client.ask(body, signal, sink);
      const streamed = taken ? { completion: reader.completion(), isCut: reader.isCut } : {};
      const outcome = readReply({ ...reply, ...streamed }, { removeThinking, maxPauseMs });
      isAnswer = outcome.kind === 'answer';
      if (outcome.kind === 'answer') writer.settle(outcome.response);
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      return readConnectionError(error);
    } finally {
      const lost = isAnswer ? undefined : reader.usageSoFar();
      if (lost && lost.completionTokens > 0) onLost?.(lost);
    }
  }

  return {
    parametersOf,
    ask: async (question, signal, _attempt, { progress, onLost } = {}) => {
      signal.throwIfAborted();
      const { body: plain } = parametersOf(question);
      const body: Body = progress ? { ...plain, stream: true, stream_options: { include_usage: true } } : plain;
      for (let refusals = 0; ; refusals += 1) {
        const sent = adapted.adapt(body);
        const outcome = progress ? await stream(sent, signal, { progress, onLost }) : await call(sent, signal);
        if (outcome.kind === 'answer') return answerOf(outcome, options);
        const parameter = outcome.kind === 'wrong request' ? outcome.parameter : undefined;
        const askAgain = parameter && refusals < MOST_REFUSALS && adapted.learn(parameter, sent);
        if (!askAgain) throw failureOfOutcome(outcome, options.name);
      }
    },
  };
}

function answerOf({ response, model, usage, finishReason }: Answer, options: ModelProviderOptions): ModelAnswer {
  const { promptPrice, completionPrice } = options;
  const cost =
    usage && promptPrice !== undefined && completionPrice !== undefined
      ? (usage.promptTokens * promptPrice + usage.completionTokens * completionPrice) / 1e6
      : null;
  return {
    response,
    model: model ?? options.model,
    provider: options.name,
    usage: usage && { ...usage, totalTokens: usage.promptTokens + usage.completionTokens, cost },
    finishReason,
  };
}

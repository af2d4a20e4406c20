import type { ChatRequest } from './chat-request.ts';
import type { ChatResponse } from './chat-response.ts';
import type { ModelAnswer } from './model-answer.ts';
import { readVersion, SEALED_VERSION, UnreadableMessage } from './read-message.ts';
import { openFields, type Place, type Sealed, type Seals, type TextKind } from './sealing.ts';

/** For each field of a message, whether it may have words of a user or of a model. A new field must say so here. */
type Fields<T> = Record<keyof T, 'plain' | 'text'>;

const REQUEST: Fields<ChatRequest> = {
  version: 'plain',
  requestId: 'plain',
  sessionId: 'plain',
  userId: 'plain',
  tenantId: 'plain',
  message: 'text',
  context: 'text',
  cache: 'plain',
  priority: 'plain',
  model: 'plain',
  stream: 'plain',
  createdAt: 'plain',
  deadline: 'plain',
};
const RESPONSE: Fields<ChatResponse> = {
  version: 'plain',
  requestId: 'plain',
  sessionId: 'plain',
  userId: 'plain',
  status: 'plain',
  response: 'text',
  error: 'plain',
  model: 'plain',
  provider: 'plain',
  cached: 'plain',
  usage: 'plain',
  partialUsage: 'plain',
  finishReason: 'plain',
  attempts: 'plain',
  timings: 'plain',
  completedAt: 'plain',
  answerKey: 'plain',
};

const ANSWER: Fields<ModelAnswer> = {
  response: 'text',
  model: 'plain',
  provider: 'plain',
  usage: 'plain',
  finishReason: 'plain',
  byFallback: 'plain',
};

/** A message's fields that are no texts. All others are sealed, also those that only a later version knows. */
const PLAIN_FIELDS = {
  request: plainFieldsOf(REQUEST),
  job: plainFieldsOf(REQUEST),
  response: plainFieldsOf(RESPONSE),
  answer: plainFieldsOf(ANSWER),
};

/** As what the texts are sealed. An answer is the same one in its job, its message and its turn. */
const TEXT_KINDS = { request: 'request', job: 'job', response: 'answer', answer: 'answer' } as const satisfies Record<
  MessageKind,
  TextKind
>;

/** `job`: a request in the data of its job; `answer`: an answer in the results of its job. */
type MessageKind = keyof typeof PLAIN_FIELDS;
type Message = { version: number; requestId: string; userId: string };

/** A message as it is published or kept: as it is, or with its texts in `sealed`. */
export type SealableMessage<T extends Message> =
  | T
  | (Omit<Partial<T>, 'version'> & { version: typeof SEALED_VERSION; sealed: string });

/** Seals the texts of a message. Returns the message itself if it has none, or they are to stay as they are. */
export function sealMessage<T extends Message>(
  seals: Seals,
  kind: 'request' | 'job' | 'response',
  message: T,
): SealableMessage<T> {
  const { plain, sealed } = sealTexts(seals, kind, message, message);
  return sealed === undefined ? message : { ...(plain as Partial<T>), version: SEALED_VERSION, sealed };
}

/** An answer in the results of its job, whose text may be sealed. */
export type KeptModelAnswer = ModelAnswer | (Omit<ModelAnswer, 'response'> & Sealed);

/** Seals the text of an answer to a request, as in the message that has it. */
export function sealModelAnswer(seals: Seals, of: AnswerOf, answer: ModelAnswer): KeptModelAnswer {
  const { plain, sealed } = sealTexts(seals, 'answer', of, answer);
  return sealed === undefined ? answer : { ...(plain as Omit<ModelAnswer, 'response'>), sealed };
}

/** Returns undefined if its text is erased. @throws MasterKeyMissingError */
export const openModelAnswer = (seals: Seals, of: AnswerOf, kept: KeptModelAnswer): ModelAnswer | undefined =>
  openFields<ModelAnswer, 'response'>(seals, placeOf('answer', of), kept);

type AnswerOf = Pick<Message, 'requestId' | 'userId'>;

/** @returns no `sealed` if there are no texts, or they are to stay as they are */
function sealTexts(seals: Seals, kind: MessageKind, of: AnswerOf, record: object) {
  const { plain, texts } = divide(kind, record);
  const hasTexts = Object.values(texts).some((text) => text !== null);
  return { plain, sealed: hasTexts ? seals.seal(placeOf(kind, of), JSON.stringify(texts)) : undefined };
}

const placeOf = (kind: MessageKind, { userId, requestId }: AnswerOf): Place => ({
  userId,
  kind: TEXT_KINDS[kind],
  id: requestId,
});

/** A message that has come. Its texts may be sealed. */
export interface Received<T> {
  /** The user whose key opens it. undefined: it is not sealed. */
  sealedFor: string | undefined;
  /**
   * @param seals with the key of `sealedFor`
   * @throws UnreadableMessage
   */
  open(seals: Seals): T;
  /** Reads what is left of it once its user was erased: there is no text. @throws UnreadableMessage */
  openErased(): T;
}

/**
 * Reads a message that is not sealed, or begins to read one that is.
 * @param value out of JSON
 * @param read reads a message that is not sealed, in version 1
 * @param erased the fields that a message of an erased user has in place of its texts
 * @throws UnreadableMessage its version is not known, or as `read` does
 */
export function receive<T>(
  kind: 'request' | 'job' | 'response',
  value: Record<string, unknown>,
  read: (value: Record<string, unknown>) => T,
  erased: Record<string, unknown> = {},
): Received<T> {
  if (readVersion(value.version) !== SEALED_VERSION) {
    const message = read(value);
    return { sealedFor: undefined, open: () => message, openErased: () => message };
  }
  const { userId, requestId, sealed } = value;
  for (const [name, field] of Object.entries({ userId, requestId, sealed }))
    if (typeof field !== 'string') throw new UnreadableMessage('invalid_message', `${name}: is required in version 2`);
  const place = placeOf(kind, { userId: userId as string, requestId: requestId as string });
  return {
    sealedFor: place.userId,
    open: (seals) => {
      const texts = seals.open(place, sealed as string);
      if (texts === undefined) throw new UnreadableMessage('cannot_be_opened', CANNOT_BE_OPENED);
      return read({ ...JSON.parse(texts), ...divide(kind, value).plain, version: 1 });
    },
    openErased: () => read({ ...divide(kind, value).plain, ...erased, version: 1 }),
  };
}

/**
 * Reads a message of any content, for somebody who may read its texts.
 * @throws UnreadableMessage as `receive` does
 */
export const receiveAny = (kind: 'request' | 'response', value: Record<string, unknown>) =>
  receive(kind, value, (fields) => fields);

const CANNOT_BE_OPENED = 'its texts were encrypted with a key that was destroyed, or that this process does not have';

function divide(kind: MessageKind, message: object) {
  const [plain, texts]: Record<string, unknown>[] = [{}, {}];
  const plainFields = PLAIN_FIELDS[kind];
  for (const [name, value] of Object.entries(message)) (plainFields.has(name) ? plain : texts)![name] = value;
  return { plain: plain!, texts: texts! };
}

function plainFieldsOf(fields: Record<string, 'plain' | 'text'>): ReadonlySet<string> {
  return new Set(Object.keys(fields).filter((name) => fields[name] === 'plain'));
}

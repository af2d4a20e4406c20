import type { ChatRequest } from './chat-request.ts';
import type { ChatResponse } from './chat-response.ts';
import { readVersion, SEALED_VERSION, UnreadableMessage } from './read-message.ts';
import type { Seals } from './sealing.ts';

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

/** A message's fields that are no texts. All others are sealed, also those that only a later version knows. */
const PLAIN_FIELDS = {
  request: plainFieldsOf(REQUEST),
  job: plainFieldsOf(REQUEST),
  response: plainFieldsOf(RESPONSE),
};

/** `job`: a request in the data of its job. */
type MessageKind = keyof typeof PLAIN_FIELDS;
type Message = { version: number; requestId: string; userId: string };

/** A message as it is published or kept: as it is, or with its texts in `sealed`. */
export type SealableMessage<T extends Message> =
  | T
  | (Omit<Partial<T>, 'version'> & { version: typeof SEALED_VERSION; sealed: string });

/** Seals the texts of a message. Returns the message itself if it has none, or they are to stay as they are. */
export function sealMessage<T extends Message>(seals: Seals, kind: MessageKind, message: T): SealableMessage<T> {
  const { plain, texts } = divide(kind, message);
  if (Object.values(texts).every((text) => text === null)) return message;
  const sealed = seals.seal({ userId: message.userId, kind, id: message.requestId }, JSON.stringify(texts));
  return sealed === undefined ? message : { ...(plain as Partial<T>), version: SEALED_VERSION, sealed };
}

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
  kind: MessageKind,
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
  const place = { userId: userId as string, kind, id: requestId as string };
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
  for (const [name, value] of Object.entries(message)) (PLAIN_FIELDS[kind].has(name) ? plain : texts)![name] = value;
  return { plain: plain!, texts: texts! };
}

function plainFieldsOf(fields: Record<string, 'plain' | 'text'>): ReadonlySet<string> {
  return new Set(Object.keys(fields).filter((name) => fields[name] === 'plain'));
}

import { MasterKeyMissingError } from './errors.ts';

/**
 * `answer`: that of a request, wherever it is: in its turn, its message or its job; `request`: the texts of a request's message;
 * `job`: those of a job's request; `results`: what else the steps of a job have brought; `second_factor`: the secret of an
 * authenticator app.
 */
export type TextKind =
  | 'question'
  | 'answer'
  | 'comment'
  | 'title'
  | 'log'
  | 'request'
  | 'job'
  | 'results'
  | 'second_factor';

/** What a sealed text is. It can be opened only as what it was sealed as. */
export interface Place {
  /** Whose text it is. */
  userId: string;
  kind: TextKind;
  /** The id of what it belongs to: a requestId; for a title, a sessionId; for a second factor, the userId. */
  id: string;
}

/** Seals and opens texts of some users, whose keys it has. */
export interface Seals {
  /** Encrypts a text with its user's key. undefined: encryption is off. */
  seal(place: Place, text: string): string | undefined;
  /**
   * Decrypts a text. undefined: it is erased, because its user's key was destroyed; or it belongs elsewhere.
   * @throws MasterKeyMissingError the text is encrypted, and encryption is off
   */
  open(place: Place, sealed: string): string | undefined;
}

/**
 * Gives the keys of users. One round trip for those whose keys this process has not seen for some minutes, none if there are
 * none or encryption is off. Rejects with StoreUnavailableError, or MasterKeyMissingError.
 */
export interface TextSeals {
  /** For texts to keep. A user without a key gets one, with one more round trip. */
  forSealing(userIds: readonly string[]): Promise<Seals>;
  forOpening(userIds: readonly string[]): Promise<Seals>;
}

/** The field of a record that has its sealed texts. */
export interface Sealed {
  sealed: string;
}

/** A record as it is kept: as it is, or with some of its fields (F) sealed. */
export type MaybeSealed<T, F extends keyof T> = T | (Omit<T, F> & Sealed);

/** Seals these fields of a record. Returns the record itself if encryption is off. */
export function sealFields<T extends object, F extends keyof T>(
  seals: Seals,
  place: Place,
  record: T,
  fields: readonly F[],
): MaybeSealed<T, F> {
  const [texts, rest]: Record<string, unknown>[] = [{}, {}];
  for (const name of Object.keys(record)) (fields.includes(name as F) ? texts : rest)![name] = record[name as keyof T];
  const sealed = seals.seal(place, JSON.stringify(texts));
  return sealed === undefined ? record : ({ ...rest, sealed } as MaybeSealed<T, F>);
}

/** Opens a record. Returns undefined if its texts are erased. @throws MasterKeyMissingError */
export function openFields<T extends object, F extends keyof T>(
  seals: Seals,
  place: Place,
  record: MaybeSealed<T, F>,
): T | undefined {
  if (!isSealed(record)) return record;
  const { sealed, ...rest } = record;
  const texts = seals.open(place, sealed);
  return texts === undefined ? undefined : ({ ...rest, ...JSON.parse(texts) } as T);
}

export const isSealed = <T extends object>(record: T): record is Extract<T, Sealed> =>
  typeof (record as Partial<Sealed>).sealed === 'string';

/** Seals nothing. @throws MasterKeyMissingError a text is sealed */
export const plainSeals: Seals = {
  seal: () => undefined,
  open: () => {
    throw new MasterKeyMissingError('A text is encrypted, and ENCRYPTION_KEYS is not set.');
  },
};

/**
 * Whoever seals the same text as the same thing again gets what it was sealed as before. It remembers the latest text, so it is
 * for the work on one request.
 */
export function sealedOnce(seals: Seals): Seals {
  let latest: { place: Place; text: string; sealed: string | undefined } | undefined;
  return {
    open: seals.open,
    seal: (place, text) => {
      if (latest?.text !== text || !isSamePlace(latest.place, place))
        latest = { place, text, sealed: seals.seal(place, text) };
      return latest.sealed;
    },
  };
}

const isSamePlace = (a: Place, b: Place) => a.id === b.id && a.kind === b.kind && a.userId === b.userId;

/** Encryption is off. */
export const plainTexts: TextSeals = { forSealing: async () => plainSeals, forOpening: async () => plainSeals };

/** New texts of these kinds stay as they are. */
export const except = (kinds: readonly TextKind[], seals: TextSeals): TextSeals => ({
  forSealing: async (userIds) => {
    const own = await seals.forSealing(userIds);
    return { ...own, seal: (place, text) => (kinds.includes(place.kind) ? undefined : own.seal(place, text)) };
  },
  forOpening: seals.forOpening,
});

/** Seals and opens whole bodies of messages, whosever they are. */
export interface OwnBodySeals {
  /** undefined: encryption is off. */
  seal(body: Buffer): Buffer | undefined;
  /** undefined: it cannot be opened here. */
  open(sealed: Buffer): Buffer | undefined;
}

/** Gives the key for bodies, as TextSeals gives those of users. Rejects with StoreUnavailableError, or MasterKeyMissingError. */
export interface BodySeals {
  forSealing(): Promise<OwnBodySeals>;
  forOpening(): Promise<OwnBodySeals>;
}

const ownPlainBodies: OwnBodySeals = { seal: () => undefined, open: () => undefined };

/** Encryption is off. */
export const plainBodies: BodySeals = {
  forSealing: async () => ownPlainBodies,
  forOpening: async () => ownPlainBodies,
};

/** A part of a text that tells who somebody is. */
export interface Identity {
  /** What it is, in capital letters: the model sees it in the placeholder. */
  kind: string;
  /** Its place in the text, in UTF-16 code units; `end` is behind it. */
  start: number;
  end: number;
}

/**
 * The hook: finds what must not leave for a provider. It may find parts that overlap; the first of them counts. It must take
 * time in proportion to the text, because it runs while other questions wait, and texts may be hostile.
 */
export type FindIdentities = (text: string) => Identity[];

/** Asks several finders, in this order. */
export const findAll =
  (finders: readonly FindIdentities[]): FindIdentities =>
  (text) =>
    finders.flatMap((find) => find(text));

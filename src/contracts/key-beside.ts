import { hashSlotOf, hashTagOf } from './hash-slot.ts';

/** Tags by the slot that they are in, as far as they were found. */
const tagsBySlot = new Map<number, string>();
let tagsTried = 0;

/**
 * Returns the name of a key that is in the slot of a main key, whatever characters the main key has. So one script may use both
 * in a Redis Cluster. No other main key and no other part gives the same name.
 * @param main its beginning up to the first `:` names the kind of data, such as `chat`. It stays the beginning of the name, as
 * rights depend on it
 * @param part has no brace and no colon
 */
export function keyBeside(main: string, part: string): string {
  const kind = main.slice(0, main.indexOf(':'));
  if (hashTagOf(main) !== undefined) return `${kind}:${part}:${main}`;
  // No `}` ends the tag early.
  if (!main.includes('}')) return `{${main}}:${part}`;
  return `${kind}:{${tagInSlot(hashSlotOf(main))}}:${part}:${main}`;
}

/** Returns a short tag. Finding all 16,384 takes about 0.1 s, and each is looked for once. */
function tagInSlot(slot: number): string {
  for (;;) {
    const found = tagsBySlot.get(slot);
    if (found !== undefined) return found;
    const tag = (tagsTried++).toString(36);
    const its = hashSlotOf(tag);
    if (!tagsBySlot.has(its)) tagsBySlot.set(its, tag);
  }
}

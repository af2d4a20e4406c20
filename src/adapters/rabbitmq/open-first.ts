import { UnreadableMessage } from '../../contracts/read-message.ts';
import type { Received } from '../../contracts/sealed-message.ts';
import type { Seals, TextSeals } from '../../contracts/sealing.ts';
import type { Handling, Refusal } from './settle-batch.ts';

/**
 * Makes a handler of messages as they come, whose texts may be sealed, out of one of messages that are open. A message that
 * cannot be opened is refused, unless its user was erased: then it is handled without its texts. For the messages of a batch,
 * their users' keys are fetched together.
 * @param options.isErased whether everything of a user was erased. Rejects while that is not known
 */
export const openFirst =
  <Item>(
    { seals, isErased }: { seals: TextSeals; isErased: (userId: string) => Promise<boolean> },
    handle: Handling<Item>['handle'],
  ): Handling<Received<Item>>['handle'] =>
  async (received, traceparents) => {
    const users = received.flatMap(({ sealedFor }) => sealedFor ?? []);
    const own = await seals.forOpening(users);
    const refusals: (Refusal | undefined)[] = [];
    const items: Item[] = [];
    /** Which of the messages each item is. */
    const places: number[] = [];
    for (const [place, message] of received.entries()) {
      try {
        items.push(await opened(message, own, isErased));
        places.push(place);
      } catch (error) {
        if (!(error instanceof UnreadableMessage)) throw error;
        refusals[place] = { reason: error.reason, detail: error.message };
      }
    }
    if (items.length === 0) return refusals;
    const ofItems = await handle(items, traceparents && places.map((place) => traceparents[place]!));
    for (const [index, place] of places.entries()) refusals[place] ??= ofItems?.[index];
    return refusals;
  };

async function opened<Item>(
  { sealedFor, open, openErased }: Received<Item>,
  seals: Seals,
  isErased: (userId: string) => Promise<boolean>,
): Promise<Item> {
  try {
    return open(seals);
  } catch (error) {
    const isShut = error instanceof UnreadableMessage && error.reason === 'cannot_be_opened';
    if (isShut && sealedFor !== undefined && (await isErased(sealedFor))) return openErased();
    throw error;
  }
}

import { UnreadableMessage } from '../../contracts/read-message.ts';
import type { Received } from '../../contracts/sealed-message.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Handling, Refusal } from './settle-batch.ts';

/**
 * Makes a handler of messages as they come, whose texts may be sealed, out of one of messages that are open. A message that
 * cannot be opened is refused. For the messages of a batch, their users' keys are fetched together.
 */
export const openFirst =
  <Item>(seals: TextSeals, handle: Handling<Item>['handle']): Handling<Received<Item>>['handle'] =>
  async (received, traceparents) => {
    const users = received.flatMap(({ sealedFor }) => sealedFor ?? []);
    const own = await seals.forOpening(users);
    const refusals: (Refusal | undefined)[] = [];
    const items: Item[] = [];
    /** Which of the messages each item is. */
    const places: number[] = [];
    for (const [place, message] of received.entries()) {
      try {
        items.push(message.open(own));
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

import { createEventParser } from '../../../src/client/server-sent-events.ts';
import { answerEvent, type NumberedEvent } from '../../../src/contracts/answer-events.ts';

/** An event as it came over one connection. */
export interface ReadEvent extends NumberedEvent {
  /** As it was on the wire; undefined: none. */
  id: string | undefined;
}

/** Reads one connection until it ends. Each event is checked against its schema. */
export async function* readEvents(response: Response): AsyncGenerator<ReadEvent, void> {
  if (response.status === 204) return;
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  let events: ReadEvent[] = [];
  const parse = createEventParser({
    onEvent: ({ id, event: type, data }) => {
      if (type === 'accepted') return;
      const event = answerEvent.parse(JSON.parse(data));
      if (event.type !== type) throw new Error(`${type} has the data of ${event.type}`);
      events.push({ id, number: Number(id?.split(':').at(-1) ?? Number.NaN), event });
    },
    onRetry: () => {},
  });
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    parse(decoder.decode(bytes, { stream: true }));
    yield* events;
    events = [];
  }
}

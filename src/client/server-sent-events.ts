/** An event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** Of this very event. undefined: it has none. */
  id: string | undefined;
  event: string;
  data: string;
}

export interface EventStreamHandlers {
  onEvent: (event: ServerSentEvent) => void;
  /** The server asks to wait so many ms before connecting again. */
  onRetry: (ms: number) => void;
}

/**
 * Reads a stream of server-sent events, piece by piece, as https://html.spec.whatwg.org/multipage/server-sent-events.html
 * says. Only that an event without an id does not take over the id of the one before it.
 * @returns a function that is given the next piece of text, however it was cut
 */
export function createEventParser({ onEvent, onRetry }: EventStreamHandlers): (piece: string) => void {
  let rest = '';
  let id: string | undefined;
  let event = '';
  let data: string[] = [];

  function line(text: string): void {
    if (text === '') {
      if (data.length > 0) onEvent({ id, event: event || 'message', data: data.join('\n') });
      id = undefined;
      event = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    // A line that begins with a colon is a comment, which keeps the connection alive.
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry(Number(value));
  }

  return (piece) => {
    rest += piece;
    // A carriage return at the end may be half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    lines.forEach(line);
  };
}

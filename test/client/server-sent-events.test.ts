import { expect, test } from '@jest/globals';
import { createEventParser, type ServerSentEvent } from '../../src/client/server-sent-events.ts';

function parse(...pieces: string[]) {
  const events: ServerSentEvent[] = [];
  const retries: number[] = [];
  const push = createEventParser({ onEvent: (event) => events.push(event), onRetry: (ms) => retries.push(ms) });
  for (const piece of pieces) push(piece);
  return { events, retries };
}

const STREAM = `: open

id: 0
event: queued
data: {"type":"queued"}

: still here

id:1
event:delta
data:{"text":"naïve 🩺"}

data: two
data: lines

retry: 1500

event: nothing
id: 9

`;

test.each(['\n', '\r\n', '\r'])(
  'the same events come out wherever the stream was cut, with line ends %j',
  (lineEnd) => {
    const stream = STREAM.replaceAll('\n', lineEnd);
    // A carriage return at the very end may be half of a line's end, so something must follow it.
    const whole = parse(`${stream}:`);
    expect(whole).toEqual({
      events: [
        { id: '0', event: 'queued', data: '{"type":"queued"}' },
        { id: '1', event: 'delta', data: '{"text":"naïve 🩺"}' },
        { id: undefined, event: 'message', data: 'two\nlines' },
      ],
      retries: [1500],
    });
    for (let cut = 1; cut < stream.length; cut += 1) {
      expect(parse(stream.slice(0, cut), `${stream.slice(cut)}:`)).toEqual(whole);
    }
    expect(parse(...stream, ':')).toEqual(whole);
  },
);

test('an event that has not ended is not given', () => {
  expect(parse('id: 3\ndata: half').events).toEqual([]);
});

test('fields that make no sense change nothing', () => {
  expect(parse('retry: soon\nretry\nid: a\0b\nsurprise: 1\ndata\n\n')).toEqual({
    events: [{ id: undefined, event: 'message', data: '' }],
    retries: [],
  });
});

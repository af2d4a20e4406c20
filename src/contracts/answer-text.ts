import type { AnswerEvent, EndEvent } from './answer-events.ts';

// Without the schemas, so that a browser can have these functions without them.

/** Whether the event is the last one of its log. */
export const isEnd = <E extends Pick<AnswerEvent, 'type'>>(event: E): event is Extract<E, Pick<EndEvent, 'type'>> =>
  event.type === 'completed' || event.type === 'failed' || event.type === 'cancelled';

/** Returns the text of an answer after one more event. @param text the text before it; '' at the beginning */
export function textAfter(text: string, event: AnswerEvent): string {
  switch (event.type) {
    case 'delta':
      return text.slice(0, event.offset) + event.text;
    case 'completed':
    case 'cancelled':
      return text.slice(0, event.offset) + event.rest;
    case 'restarted':
    case 'failed':
      return '';
    default:
      return text;
  }
}

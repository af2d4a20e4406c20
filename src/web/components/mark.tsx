import type { ComponentChildren } from 'preact';

import type { Tone } from './tone.ts';

/** The shape tells the tone as well as the colour does. */
const shapes: Record<Tone, string> = {
  good: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.7 5.3-4.4 4.6a.9.9 0 0 1-1.3 0L4.2 9.100a.9.9 0 0 1 1.300-1.250l1.150 1.200 3.750-3.950a.9.9 0 0 1 1.300 1.200Z',
  warn: 'M8.900 1.600a1 1 0 0 0-1.800 0L.700 13.500A1 1 0 0 0 1.600 15h12.800a1 1 0 0 0 .900-1.500ZM7.200 5.500h1.600v4.500H7.200Zm0 5.800h1.600v1.600H7.200Z',
  bad: 'M5 1 1 5v6l4 4h6l4-4V5l-4-4Zm6 8.900L9.900 11 8 9.100 6.100 11 5 9.900 6.900 8 5 6.100 6.100 5 8 6.900 9.900 5 11 6.100 9.100 8Z',
  busy: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.700a5.300 5.300 0 0 1 0 10.600Z',
  quiet:
    'M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11Zm0 1.700a3.800 3.800 0 1 1 0 7.600 3.800 3.800 0 0 1 0-7.600Z',
};

/** A status as a shape, a colour and words. */
export function Mark({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class="mark">
      <Shape tone={tone} />
      <span>{children}</span>
    </span>
  );
}

/** The shape alone. Words beside it must say what it means. */
export const Shape = ({ tone }: { tone: Tone }) => (
  <svg class={`shape tone-${tone}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={shapes[tone]} />
  </svg>
);

import type { Overview } from '../../contracts/http/overview-bodies.ts';
import { clockTime } from '../components/format.ts';
import { Shape } from '../components/mark.tsx';
import type { Polled } from '../components/use-polled.ts';

/** Says whether what the page shows is of now. */
export function Freshness({ polled: { goodAtMs, error } }: { polled: Polled<Overview> }) {
  const tone = error ? 'bad' : goodAtMs === undefined ? 'quiet' : 'good';
  const words = error
    ? goodAtMs === undefined
      ? 'No answer'
      : `Out of date: from ${clockTime(goodAtMs)}`
    : goodAtMs === undefined
      ? 'Loading'
      : 'Live';
  return (
    <p class="mark freshness" role="status">
      <Shape tone={tone} />
      <span>{words}</span>
    </p>
  );
}

import { countOf, formatCount, formatDuration } from '../../components/format.ts';

const WIDTH = 240;
const HEIGHT = 44;

/**
 * Depths of the last hour as a small area. Where nobody looked, there is a gap.
 * @param props.values the oldest first
 */
export function Chart(props: { name: string; unit: string; values: (number | null)[]; stepMs: number }) {
  const { name, unit, values, stepMs } = props;
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  const highestAt = values.lastIndexOf(highest);
  const agoMs = (values.length - 1 - highestAt) * stepMs;
  const summary =
    highest === 0
      ? `${name}: empty for the last hour`
      : `${name}: at most ${countOf(highest, unit)}, ${formatDuration(agoMs)} ago`;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
        {areas(values, Math.max(highest, 1)).map(({ line, area }) => (
          <g key={line}>
            <path class="area" d={area} />
            <path class="line" d={line} vector-effect="non-scaling-stroke" />
          </g>
        ))}
      </svg>
      <figcaption aria-hidden="true">
        <span>1 h ago</span>
        <span>{highest > 0 ? `most ${formatCount(highest)}` : 'empty'}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

/** One area for each run of values without a gap. */
function areas(values: (number | null)[], max: number): { line: string; area: string }[] {
  const x = (index: number) => ((index / Math.max(1, values.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number) => (HEIGHT - 1 - (value / max) * (HEIGHT - 4)).toFixed(1);
  const runs: { from: number; to: number }[] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (runs.length > 0 && runs.at(-1)!.to === index - 1) runs.at(-1)!.to = index;
    else runs.push({ from: index, to: index });
  });
  return runs.map(({ from, to }) => {
    const points = values.slice(from, to + 1).map((value, offset) => `${x(from + offset)} ${y(value!)}`);
    // A single value is a short line, so that it can be seen.
    if (points.length === 1) points.push(`${(Number(x(from)) + 1).toFixed(1)} ${y(values[from]!)}`);
    const line = `M${points.join('L')}`;
    const end = points.at(-1)!.split(' ')[0];
    return { line, area: `${line}L${end} ${HEIGHT}L${x(from)} ${HEIGHT}Z` };
  });
}

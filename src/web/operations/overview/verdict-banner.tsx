import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { RefusedError, serverNow } from '../../components/ask.ts';
import { clockTime, countOf } from '../../components/format.ts';
import { Shape } from '../../components/mark.tsx';
import type { Polled } from '../../components/use-polled.ts';
import { type Finding, findingsOf } from '../verdict.ts';

/** Says in one line whether all is well, and if not, what is wrong and what to do. */
export function Verdict({ overview }: { overview: Polled<Overview> }) {
  const { data: seen, error, goodAtMs } = overview;
  const findings = error ? [outOfSight(error, goodAtMs)] : seen ? findingsOf(seen, serverNow()) : [];
  if (!seen && !error) return null;
  const [first, ...others] = findings;
  const tone = first?.level ?? 'good';
  return (
    <section class={`verdict ${tone}`} aria-label="Verdict">
      {/* Only this line is read out when it changes. */}
      <p class="headline" role="status">
        <Shape tone={tone} />
        <span>{first ? first.what : 'All is well.'}</span>
      </p>
      {first ? <Advice finding={first} /> : <p class="advice">{calm(seen!)}</p>}
      {others.length > 0 && (
        <details open>
          <summary>{countOf(others.length, 'more finding')}</summary>
          <ul>
            {others.map((finding) => (
              <li key={finding.what}>
                <p class="mark">
                  <Shape tone={finding.level} />
                  <span>{finding.what}</span>
                </p>
                <Advice finding={finding} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Advice({ finding: { todo, link, runbook } }: { finding: Finding }) {
  return (
    <p class="advice">
      {todo} {link && <a href={link.href}>{link.words}</a>}{' '}
      {runbook && <a href={`docs/runbooks/${runbook}.md`}>Runbook</a>}
    </p>
  );
}

/** Without an answer, nothing is known but why there is none. */
function outOfSight(error: Error, goodAtMs: number | undefined): Finding {
  const noRedis = error instanceof RefusedError && error.code === 'store_unavailable';
  return {
    level: 'bad',
    what: noRedis ? 'Redis does not answer, so nothing can be asked or read.' : error.message,
    todo: [
      noRedis
        ? 'See whether it runs, hangs or has no memory, and bring it back: work goes on by itself, and nothing is lost.'
        : 'See whether the api runs.',
      'This page asks again by itself.',
      goodAtMs === undefined ? '' : `What you see below is from ${clockTime(goodAtMs)}.`,
    ].join(' '),
    ...(noRedis && { runbook: 'HealifyRedisDown' }),
  };
}

function calm({ line, processes, gates }: Overview): string {
  const workers = processes?.filter(({ role, state }) => role === 'worker' && state === 'alive').length ?? 0;
  return [
    line.waiting === 0 ? 'Nobody waits.' : `${countOf(line.waiting, 'question')} in line.`,
    `${countOf(workers, 'worker')} alive.`,
    gates && gates.length > 0 ? 'All providers are asked.' : 'No provider was asked lately.',
  ].join(' ');
}

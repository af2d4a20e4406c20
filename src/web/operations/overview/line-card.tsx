import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { Card } from '../../components/card.tsx';
import { formatAge, formatCount, formatDuration, formatRate } from '../../components/format.ts';
import { jobsHref } from '../route.ts';

/** How many questions wait, how quickly the line moves, and when a new question is answered. */
export function LineCard({ seen: { line, jobs } }: { seen: Overview }) {
  const { waiting, drainPerSecond, etaMs, oldestQuestionAgeMs } = line;
  return (
    <Card id="line" title="The line">
      <dl class="figures">
        <div>
          <dt>Questions in line</dt>
          <dd>{formatCount(waiting)}</dd>
        </div>
        <div>
          <dt>A new one is answered in about</dt>
          <dd>{etaMs === null ? <Unknown>not known</Unknown> : formatDuration(etaMs)}</dd>
        </div>
        <div>
          <dt>Answered</dt>
          <dd>{drainPerSecond === null ? <Unknown>not known</Unknown> : formatRate(drainPerSecond)}</dd>
        </div>
        <div>
          <dt>Oldest open question</dt>
          <dd>{oldestQuestionAgeMs ? formatAge(oldestQuestionAgeMs) : <Unknown>none</Unknown>}</dd>
        </div>
      </dl>
      {jobs && (
        <p class="quiet">
          Taken by workers already: <a href={jobsHref({ status: 'active' })}>{formatCount(jobs.active)} now</a>,{' '}
          <a href={jobsHref({ status: 'waiting' })}>{formatCount(jobs.waiting)} next</a>,{' '}
          <a href={jobsHref({ status: 'delayed' })}>{formatCount(jobs.delayed)} between two attempts</a>.
        </p>
      )}
    </Card>
  );
}

const Unknown = ({ children }: { children: string }) => <span class="unknown">{children}</span>;

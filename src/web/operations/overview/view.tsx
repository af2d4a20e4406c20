import { useEffect } from 'preact/hooks';
import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { Loading } from '../../components/card.tsx';
import type { Polled } from '../../components/use-polled.ts';
import { DeadLettersCard } from './dead-letters-card.tsx';
import { FailuresCard } from './failures-card.tsx';
import { IntakeCard } from './intake-card.tsx';
import { LineCard } from './line-card.tsx';
import { LinksCard } from './links-card.tsx';
import { ProcessesCard } from './processes-card.tsx';
import { ProvidersCard } from './providers-card.tsx';
import { QueuesCard } from './queues-card.tsx';
import { Verdict } from './verdict-banner.tsx';

/** What an operator wants to know first. @param props.to the part to go to, by the id of its heading */
export function OverviewView({ overview, to }: { overview: Polled<Overview>; to: string | undefined }) {
  const { data: seen, refresh } = overview;
  const isThere = seen !== undefined;
  useEffect(() => {
    const part = isThere && to ? document.getElementById(to)?.closest<HTMLElement>('section') : undefined;
    part?.scrollIntoView({ block: 'start' });
    part?.querySelector<HTMLElement>('button, a')?.focus({ preventScroll: true });
    // The same link works again.
    if (part) history.replaceState(null, '', '#/');
  }, [isThere, to]);
  return (
    <>
      <h1 tabIndex={-1} class="visually-hidden">
        Overview
      </h1>
      <Verdict overview={overview} />
      {!seen && !overview.error && <Loading what="the overview" />}
      {seen && (
        <div class="cards">
          <LineCard seen={seen} />
          <ProvidersCard gates={seen.gates} refresh={refresh} />
          <IntakeCard intake={seen.intake} refresh={refresh} />
          <FailuresCard failures={seen.failures} />
          <DeadLettersCard seen={seen} />
          <QueuesCard seen={seen} />
          <ProcessesCard seen={seen} />
          <LinksCard />
        </div>
      )}
    </>
  );
}

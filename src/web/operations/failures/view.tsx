import { useState } from 'preact/hooks';
import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import type { FailureGroup } from '../../../contracts/http/retry-run-bodies.ts';
import { Empty, Failed, Loading } from '../../components/card.tsx';
import { formatCount } from '../../components/format.ts';
import { Ago } from '../../components/time.tsx';
import type { Polled } from '../../components/use-polled.ts';
import { IfAllowed } from '../rights.tsx';
import { jobsHref, storyHref } from '../route.ts';
import { failureWords } from '../words.ts';
import { RetryDialog } from './retry-dialog.tsx';
import { RetryRuns } from './retry-runs.tsx';

/** Failed jobs by cause: what each means, what to do, and the button that retries them all. */
export function FailuresView({ overview: { data: seen, error, refresh } }: { overview: Polled<Overview> }) {
  const [asked, setAsked] = useState<string>();
  const close = () => {
    setAsked(undefined);
    refresh();
  };
  const failures = seen?.failures;
  return (
    <>
      <h1 tabIndex={-1}>Failures</h1>
      <p class="lead">Questions that failed for good, by cause. Mend the cause first. Then retry what it has failed.</p>
      <RetryRuns runs={seen?.retryRuns ?? []} refresh={refresh} />
      {!seen && (error ? <Failed error={error} retry={refresh} /> : <Loading what="the failures" />)}
      {seen && !failures && <Empty>Not known while Redis is away.</Empty>}
      {failures?.length === 0 && (
        <div class="card">
          <Empty>
            No job has failed. Each cause would be listed here, with how many jobs it has failed, since when, and what
            to do.
          </Empty>
        </div>
      )}
      <ul class="stack">
        {failures?.map((group) => (
          <Cause key={group.code} group={group} retry={() => setAsked(group.code)} />
        ))}
      </ul>
      {asked && <RetryDialog code={asked} onClose={close} />}
    </>
  );
}

function Cause({ group, retry }: { group: FailureGroup; retry: () => void }) {
  const { code, count, oldest, newest, example } = group;
  const { means, todo } = failureWords(code);
  return (
    <li class="card cause">
      <p class="big">{formatCount(count)}</p>
      <div>
        <h2>{means}</h2>
        <p class="quiet">
          <code>{code}</code>,{' '}
          {oldest === newest ? (
            <Ago at={newest} />
          ) : (
            <>
              from <Ago at={oldest} /> to <Ago at={newest} />
            </>
          )}
        </p>
        <p>{todo}</p>
        <p class="links-inline">
          <a href={jobsHref({ status: 'failed', code })}>All jobs</a>
          <a href={storyHref(example)}>The latest one’s story</a>
        </p>
      </div>
      <IfAllowed to="POST /admin/retry-runs">
        <button type="button" onClick={retry}>
          Retry all …<span class="visually-hidden"> with {code}</span>
        </button>
      </IfAllowed>
    </li>
  );
}

import { useState } from 'preact/hooks';
import type { JobPage, JobSummary } from '../../../contracts/jobs.ts';
import { ask } from '../../components/ask.ts';
import { Empty, Failed, Loading } from '../../components/card.tsx';
import { countOf } from '../../components/format.ts';
import { Mark } from '../../components/mark.tsx';
import { Ago } from '../../components/time.tsx';
import { usePolled } from '../../components/use-polled.ts';
import { jobsHref, storyHref } from '../route.ts';
import { statusWords } from '../words.ts';
import { SearchForm } from './search-form.tsx';

const SEARCH_EVERY_MS = 5_000;
const PER_PAGE = '50';

/** Search over all jobs. @param props.query what the address asks for, by the names of the API's query */
export function JobsView({ query }: { query: URLSearchParams }) {
  const given = Object.fromEntries(query);
  const address = (cursor?: string) =>
    `admin/jobs?${new URLSearchParams({ ...given, limit: PER_PAGE, ...(cursor && { cursor }) })}`;
  const [older, setOlder] = useState<JobPage[]>([]);
  const [problem, setProblem] = useState<Error>();
  // With older pages below it, the first page stays as it is, so that no job is in the list twice.
  const { data, error, refresh } = usePolled<JobPage>(address(), older.length > 0 ? undefined : SEARCH_EVERY_MS);
  const jobs = [data, ...older].flatMap((page) => page?.jobs ?? []);
  const cursor = (older.at(-1) ?? data)?.nextCursor;
  const more = () =>
    ask<JobPage>(address(cursor ?? undefined)).then((page) => {
      setProblem(undefined);
      setOlder([...older, page]);
    }, setProblem);
  return (
    <>
      <h1 tabIndex={-1}>Jobs</h1>
      <SearchForm given={given} />
      {error && <Failed error={error} retry={refresh} />}
      {!data && !error && <Loading what="the jobs" />}
      {data && (
        <>
          <p class="quiet result-count" role="status">
            {jobs.length === 0
              ? 'No job matches.'
              : `${countOf(jobs.length, 'job')}${cursor ? ', and more' : ''}, the latest first.`}
          </p>
          {jobs.length === 0 && (
            <div class="card">
              <Empty>
                {query.size > 0
                  ? 'Jobs that match would be listed here. Ids must be given whole. A question that still waits in RabbitMQ has no job yet.'
                  : 'Each question becomes a job once a worker has read it from RabbitMQ. The latest would be listed here.'}
              </Empty>
            </div>
          )}
          <ul class="jobs">
            {jobs.map((job) => (
              <Job key={job.requestId} job={job} />
            ))}
          </ul>
          {problem && <Failed error={problem} />}
          {cursor && (
            <button type="button" class="older" onClick={more}>
              Show older jobs
            </button>
          )}
        </>
      )}
    </>
  );
}

function Job({ job }: { job: JobSummary }) {
  const { requestId, sessionId, userId, status, code, cause, addedAt, endedAt, attempts } = job;
  const { tone, words } = statusWords[status];
  return (
    <li>
      <p class="job-status">
        <Mark tone={tone}>{words}</Mark>
      </p>
      <div class="job-what">
        <a href={storyHref(requestId)}>
          <code>{requestId}</code>
        </a>
        {(cause ?? code) && <p>{cause ?? code}</p>}
        <p class="quiet">
          {userId && (
            <>
              user <a href={jobsHref({ userId })}>{userId}</a>
            </>
          )}
          {sessionId && (
            <>
              {' '}
              session <a href={jobsHref({ sessionId })}>{sessionId}</a>
            </>
          )}
        </p>
      </div>
      <p class="quiet job-when">
        {endedAt ? (
          <>
            ended <Ago at={endedAt} />
          </>
        ) : (
          <>
            added <Ago at={addedAt} />
          </>
        )}
        , {countOf(attempts, 'attempt')}
      </p>
    </li>
  );
}

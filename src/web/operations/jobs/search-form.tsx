import { useRef } from 'preact/hooks';
import type { JobStatus } from '../../../contracts/jobs.ts';
import { jobsHref } from '../route.ts';
import { failureCodes, statusWords } from '../words.ts';

/** What to search for. A search has an address, so that it can be linked. */
export function SearchForm({ given }: { given: Record<string, string> }) {
  const form = useRef<HTMLFormElement>(null);
  const search = (event: Event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form.current!)) as Record<string, string>;
    const { from, until, ...others } = fields;
    location.hash = jobsHref({ ...trimmed(others), from: toUtc(from), until: toUtc(until) });
  };
  return (
    <search aria-label="Jobs">
      <form ref={form} class="card search" onSubmit={search}>
        <label>
          Request
          <input name="requestId" defaultValue={given.requestId ?? ''} autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Session
          <input name="sessionId" defaultValue={given.sessionId ?? ''} autocomplete="off" spellcheck={false} />
        </label>
        <label>
          User
          <input name="userId" defaultValue={given.userId ?? ''} autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Status
          <select name="status" defaultValue={given.status ?? ''}>
            <option value="">Any</option>
            {(Object.keys(statusWords) as JobStatus[]).map((status) => (
              <option key={status} value={status}>
                {statusWords[status].words}
              </option>
            ))}
          </select>
        </label>
        <label>
          Cause
          <input name="code" defaultValue={given.code ?? ''} list="codes" autocomplete="off" spellcheck={false} />
          <datalist id="codes">
            {failureCodes.map((code) => (
              <option key={code} value={code} />
            ))}
          </datalist>
        </label>
        <label>
          From
          <input name="from" type="datetime-local" step={1} defaultValue={toLocal(given.from)} />
        </label>
        <label>
          Until
          <input name="until" type="datetime-local" step={1} defaultValue={toLocal(given.until)} />
        </label>
        <div class="buttons">
          <a class="button" href="#/jobs">
            Clear
          </a>
          <button type="submit" class="primary">
            Search
          </button>
        </div>
      </form>
    </search>
  );
}

const trimmed = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.trim()]));

/** The field has the reader's own time. The address has UTC, so that it means the same to everybody. */
const toUtc = (local: string | undefined) => (local ? new Date(local).toISOString() : undefined);

function toLocal(utc: string | undefined): string {
  const date = new Date(utc ?? '');
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

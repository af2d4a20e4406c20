import { useRef } from 'preact/hooks';
import type { Role } from '../../../contracts/account.ts';
import { allRoles, roleWords } from './role-words.ts';
import type { Search } from './use-account-list.ts';

/** What to search for. It is not in the page's address, because an email must not get into a log. */
export function SearchForm({ given, onSearch }: { given: Search; onSearch: (search: Search) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const search = (event: Event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form.current!)) as Record<string, string>;
    const { search = '', role, state, secondFactor } = fields;
    onSearch({
      ...(search.trim() && { search: search.trim() }),
      ...(role && { role: role as Role }),
      ...(state && { state: state as 'enabled' | 'disabled' }),
      ...(secondFactor && { secondFactor: secondFactor === 'with' }),
    });
  };
  const clear = () => {
    onSearch({});
    form.current?.querySelector('input')?.focus();
  };
  return (
    <search aria-label="Accounts">
      <form ref={form} key={JSON.stringify(given)} class="card search" onSubmit={search}>
        <label>
          Email
          <input
            name="search"
            defaultValue={given.search ?? ''}
            maxLength={254}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <label>
          Role
          <select name="role" defaultValue={given.role ?? ''}>
            <option value="">Any</option>
            {allRoles.map((role) => (
              <option key={role} value={role}>
                {roleWords[role].name}
              </option>
            ))}
          </select>
        </label>
        <label>
          State
          <select name="state" defaultValue={given.state ?? ''}>
            <option value="">Any</option>
            <option value="enabled">enabled</option>
            <option value="disabled">disabled</option>
          </select>
        </label>
        <label>
          Second factor
          <select
            name="secondFactor"
            defaultValue={given.secondFactor === undefined ? '' : given.secondFactor ? 'with' : 'without'}
          >
            <option value="">Any</option>
            <option value="with">with</option>
            <option value="without">without</option>
          </select>
        </label>
        <div class="buttons">
          <button type="button" onClick={clear}>
            Clear
          </button>
          <button type="submit" class="primary">
            Search
          </button>
        </div>
      </form>
    </search>
  );
}

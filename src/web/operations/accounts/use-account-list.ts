import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { AccountList, AccountListing, ListedAccount } from '../../../contracts/http/admin-account-bodies.ts';
import { ask } from '../../components/ask.ts';

/** What is searched for. */
export type Search = Pick<AccountListing, 'search' | 'role' | 'state' | 'secondFactor'>;

/** A call looks at a part of the accounts only. So many calls in a row may find nothing, before the reader is asked whether to go on. */
const MOST_CALLS = 10;

interface Listed {
  accounts: ListedAccount[];
  nextCursor: string | null;
}

/** The accounts that match a search; undefined until they are there. `more` adds the next ones. */
export function useAccountList(search: Search) {
  const [listed, setListed] = useState<Listed>();
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  /** What comes for an earlier search is not shown. */
  const current = useRef(0);

  const load = useCallback(
    async (before?: Listed) => {
      const mine = ++current.current;
      setBusy(true);
      setError(undefined);
      try {
        let { accounts, nextCursor } = before ?? { accounts: [], nextCursor: null };
        for (let calls = 0; calls < MOST_CALLS; calls++) {
          const body = { ...search, ...(nextCursor !== null && { cursor: nextCursor }) };
          const page = await ask<AccountList>('admin/accounts/list', { body });
          accounts = [...accounts, ...page.accounts];
          nextCursor = page.nextCursor;
          if (page.accounts.length > 0 || nextCursor === null) break;
        }
        if (mine === current.current) setListed({ accounts, nextCursor });
      } catch (problem) {
        if (mine === current.current) setError(problem as Error);
      } finally {
        if (mine === current.current) setBusy(false);
      }
    },
    [search],
  );
  useEffect(() => {
    setListed(undefined);
    void load();
  }, [load]);
  return { listed, error, isBusy, more: () => load(listed), again: () => load() };
}

import { useContext, useState } from 'preact/hooks';
import type { ListedAccount } from '../../../contracts/http/admin-account-bodies.ts';
import { RefusedError } from '../../components/ask.ts';
import { Empty, Failed, Loading } from '../../components/card.tsx';
import { countOf } from '../../components/format.ts';
import { Ago } from '../../components/time.tsx';
import { Me, useMay } from '../rights.tsx';
import { accountHref } from '../route.ts';
import { Invite } from './invite.tsx';
import { roleWords } from './role-words.ts';
import { SearchForm } from './search-form.tsx';
import { SecondFactor, Standing } from './standing.tsx';
import { type Search, useAccountList } from './use-account-list.ts';

/** A search stays when its reader comes back from an account. */
let latestSearch: Search = {};

/** All accounts, with a search. */
export function AccountsView() {
  const me = useContext(Me);
  const mayList = useMay('POST /admin/accounts/list');
  return (
    <>
      <h1 tabIndex={-1}>Accounts</h1>
      {me && !mayList && (
        <p class="notice" role="status">
          Your role may not see accounts. An admin may.
        </p>
      )}
      {mayList && <Accounts />}
    </>
  );
}

function Accounts() {
  const [search, setSearch] = useState(latestSearch);
  const { listed, error, isBusy, more, again } = useAccountList(search);
  const remember = (next: Search) => {
    latestSearch = next;
    setSearch(next);
  };
  if (error instanceof RefusedError && error.code === 'not_found') {
    return (
      <div class="card">
        <Empty>There are no accounts here: apps bring tokens of an identity provider, which has the people.</Empty>
      </div>
    );
  }
  const { accounts = [], nextCursor = null } = listed ?? {};
  return (
    <>
      <Invite />
      <SearchForm given={search} onSearch={remember} />
      {error && <Failed error={error} retry={again} />}
      {!listed && !error && <Loading what="the accounts" />}
      {listed && (
        <>
          <p class="quiet result-count" role="status">
            {accounts.length === 0
              ? `No account matches${nextCursor ? ' so far' : ''}.`
              : `${countOf(accounts.length, 'account')}${nextCursor ? ', and more' : ''}, by email.`}
          </p>
          <ul class="jobs accounts">
            {accounts.map((account) => (
              <Row key={account.userId} account={account} />
            ))}
          </ul>
          {nextCursor && (
            <button type="button" class="older" disabled={isBusy} onClick={more}>
              {isBusy ? 'Searching …' : accounts.length === 0 ? 'Search on' : 'Show more'}
            </button>
          )}
        </>
      )}
    </>
  );
}

function Row({ account }: { account: ListedAccount }) {
  const { userId, email, role, tenantId, lastLoginAt } = account;
  return (
    <li>
      <p class="job-status">
        <Standing account={account} />
      </p>
      <div class="job-what">
        <a href={accountHref(userId)}>{email ?? userId}</a>
        <p class="quiet">
          {roleWords[role].name}
          {tenantId && <>, of {tenantId}</>}, <SecondFactor account={account} />
        </p>
      </div>
      <p class="quiet job-when">
        {lastLoginAt ? (
          <>
            last login <Ago at={lastLoginAt} />
          </>
        ) : (
          'no login is known'
        )}
      </p>
    </li>
  );
}

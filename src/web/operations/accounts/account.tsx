import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { AdminAccount } from '../../../contracts/http/admin-account-bodies.ts';
import { ask } from '../../components/ask.ts';
import { Card, Failed, Loading } from '../../components/card.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { formatCount } from '../../components/format.ts';
import { Ago, At } from '../../components/time.tsx';
import { IfAllowed, Me } from '../rights.tsx';
import { ACCOUNT_PAGE, jobsHref } from '../route.ts';
import { type AccountAction, AccountDialog } from './account-dialog.tsx';
import { EraseDialog } from './erase-dialog.tsx';
import { roleWords } from './role-words.ts';
import { SecondFactor, Standing } from './standing.tsx';

/** One account, with what an admin can do with it. */
export function AccountView({ userId }: { userId: string }) {
  const [account, setAccount] = useState<AdminAccount>();
  const [error, setError] = useState<Error>();
  const [asked, setAsked] = useState<AccountAction | 'erase'>();
  const [isErased, setErased] = useState(false);
  const load = () => {
    setError(undefined);
    ask<AdminAccount>('admin/accounts/find', { body: { userId } }).then(setAccount, setError);
  };
  useEffect(load, [userId]);
  const name = account?.email ?? userId;
  return (
    <>
      <p class="quiet">
        <a href="#/accounts">All accounts</a>
      </p>
      <div class="story-head">
        <h1 tabIndex={-1}>{name}</h1>
      </div>
      {error && <Failed error={error} retry={load} />}
      {!account && !error && <Loading what="the account" />}
      {isErased && (
        <p class="notice" role="status">
          This account was erased.
        </p>
      )}
      {account && !isErased && (
        <>
          <section class="card story-now" aria-label="How it stands">
            <div>
              <p class="headline">
                <Standing account={account} />
              </p>
              <p>
                {roleWords[account.role].name}, <SecondFactor account={account} />
              </p>
            </div>
            <Actions account={account} act={setAsked} />
          </section>
          <Facts account={account} />
        </>
      )}
      {account && asked === 'erase' && (
        <EraseDialog account={account} onErased={() => setErased(true)} onClose={() => setAsked(undefined)} />
      )}
      {account && asked && asked !== 'erase' && (
        <AccountDialog account={account} what={asked} onChanged={setAccount} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

function Actions({ account, act }: { account: AdminAccount; act: (what: AccountAction | 'erase') => void }) {
  const me = useContext(Me);
  const { disabledAt, secondFactorAt, atProvider } = account;
  if (!me) return null;
  const isOwn = me.userId === account.userId;
  const button = (what: AccountAction | 'erase', words: string) => (
    <button type="button" onClick={() => act(what)}>
      {words}
    </button>
  );
  return (
    <div class="row-buttons">
      {!isOwn && disabledAt === null && (
        <IfAllowed to="POST /admin/accounts/disable">{button('disable', 'Disable …')}</IfAllowed>
      )}
      {disabledAt !== null && <IfAllowed to="POST /admin/accounts/enable">{button('enable', 'Enable …')}</IfAllowed>}
      <IfAllowed to="POST /admin/accounts/end-logins">{button('end-logins', 'End logins …')}</IfAllowed>
      {!isOwn && !atProvider && (
        <IfAllowed to="POST /admin/accounts/role">{button('role', 'Change the role …')}</IfAllowed>
      )}
      {!isOwn && secondFactorAt !== null && (
        <IfAllowed to="POST /admin/accounts/reset-second-factor">
          {button('reset-second-factor', 'Take the second factor away …')}
        </IfAllowed>
      )}
      {!isOwn && <IfAllowed to="POST /admin/accounts/erase">{button('erase', 'Erase …')}</IfAllowed>}
      {isOwn && (
        <p class="quiet">
          This is you. Nobody disables, demotes or erases themselves here: see <a href={ACCOUNT_PAGE}>your account</a>.
        </p>
      )}
    </div>
  );
}

function Facts({ account }: { account: AdminAccount }) {
  const { userId, tenantId, createdAt, disabledAt, secondFactorAt, lastLoginAt, logins, atProvider } = account;
  return (
    <Card id="facts" title="Facts">
      <dl class="facts">
        <Fact name="User id">
          <a href={jobsHref({ userId })}>{userId}</a> <CopyButton text={userId} what="the user id" />
        </Fact>
        <Fact name="Made">
          <At at={createdAt} />
        </Fact>
        <Fact name="Last login">{lastLoginAt ? <Ago at={lastLoginAt} /> : 'none is known'}</Fact>
        <Fact name="Open logins">{formatCount(logins)}</Fact>
        <Fact name="Second factor">
          {atProvider ? (
            'as the identity provider asks'
          ) : secondFactorAt ? (
            <>
              since <At at={secondFactorAt} />
            </>
          ) : (
            'none'
          )}
        </Fact>
        <Fact name="Disabled">{disabledAt && <At at={disabledAt} />}</Fact>
        <Fact name="Organisation">{tenantId}</Fact>
      </dl>
    </Card>
  );
}

/** A fact that is not known is left out. */
const Fact = ({ name, children }: { name: string; children: ComponentChildren }) =>
  children === null ? null : (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );

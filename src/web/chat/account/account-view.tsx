import type { Me } from '../../../contracts/http/me.ts';
import { Loading } from '../../components/card.tsx';
import { ChangePassword } from './change-password.tsx';
import { EraseAccount } from './erase-account.tsx';
import { ExportAccount } from './export-account.tsx';
import { Logins } from './logins.tsx';
import { SecondFactor } from './second-factor.tsx';

/**
 * The page of the user's own account.
 * @param props.me undefined: it is being loaded
 */
export function AccountView({ me }: { me: Me | undefined }) {
  return (
    <div class="account">
      <div class="column">
        {!me && <Loading what="your account" />}
        {me?.email && (
          <p>
            You are <bdi>{me.email}</bdi>.
          </p>
        )}
        {me?.email && me.hasPassword && (
          <>
            <SecondFactor />
            <ChangePassword email={me.email} />
          </>
        )}
        {me && (
          <>
            <Logins />
            <ExportAccount me={me} />
            <EraseAccount me={me} />
          </>
        )}
      </div>
    </div>
  );
}

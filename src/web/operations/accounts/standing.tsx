import type { ListedAccount } from '../../../contracts/http/admin-account-bodies.ts';
import { Mark } from '../../components/mark.tsx';

/** Whether somebody can log in. */
export const Standing = ({ account: { disabledAt } }: { account: Pick<ListedAccount, 'disabledAt'> }) =>
  disabledAt === null ? <Mark tone="good">Enabled</Mark> : <Mark tone="bad">Disabled</Mark>;

/** What a login needs besides the password. */
export function SecondFactor({ account }: { account: Pick<ListedAccount, 'secondFactorAt' | 'atProvider' | 'role'> }) {
  const { secondFactorAt, atProvider, role } = account;
  if (atProvider) return <>logs in at the identity provider</>;
  if (secondFactorAt) return <>with a second factor</>;
  return role === 'user' ? <>without a second factor</> : <Mark tone="warn">without a second factor</Mark>;
}

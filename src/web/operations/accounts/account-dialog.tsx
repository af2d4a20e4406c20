import { useState } from 'preact/hooks';
import type { Role } from '../../../contracts/account.ts';
import type { AdminAccount } from '../../../contracts/http/admin-account-bodies.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { countOf } from '../../components/format.ts';
import { allRoles, roleWords } from './role-words.ts';

/** What can be done with an account and be undone. Each is the name of its endpoint. */
export type AccountAction = 'disable' | 'enable' | 'end-logins' | 'reset-second-factor' | 'role';

/** What each is called, what it does, and what is said once it is done. */
const words: Record<
  Exclude<AccountAction, 'role'>,
  { title: string; effects: (name: string, logins: string) => string; done: string }
> = {
  disable: {
    title: 'Disable the account',
    effects: (name, logins) =>
      `${name} is logged out everywhere (${logins}, and those to this page), and cannot log in until the account is enabled again. Conversations stay.`,
    done: 'The account is disabled, and its logins have ended.',
  },
  enable: {
    title: 'Enable the account',
    effects: (name) => `${name} can log in again, with the same password and the same role.`,
    done: 'The account is enabled.',
  },
  'end-logins': {
    title: 'End all logins',
    effects: (name, logins) =>
      `${name} is logged out everywhere: ${logins}, and those to this page. Who has the password can log in again at once.`,
    done: 'All logins have ended.',
  },
  'reset-second-factor': {
    title: 'Take the second factor away',
    effects: (name, logins) =>
      `The authenticator app and the recovery codes of ${name} do not count any more, and all logins end (${logins}). The password alone is enough to log in then. Make sure first that it is really them who have asked.`,
    done: 'The second factor is gone, and all logins have ended.',
  },
};

/** Changes an account. @param props.onChanged called with the account, as it is then */
export function AccountDialog(props: {
  account: AdminAccount;
  what: AccountAction;
  onChanged: (account: AdminAccount) => void;
  onClose: () => void;
}) {
  const { account, what, onChanged, onClose } = props;
  if (what === 'role') return <RoleDialog {...props} />;
  const { title, effects, done } = words[what];
  return (
    <ActionDialog
      title={title}
      given={{}}
      forecast={async () => {
        const { logins } = await change(account, 'find');
        return { text: effects(nameOf(account), countOf(logins, 'open login')), button: title };
      }}
      act={async () => {
        onChanged(await change(account, what));
        return done;
      }}
      onClose={onClose}
    />
  );
}

function RoleDialog({ account, onChanged, onClose }: Omit<Parameters<typeof AccountDialog>[0], 'what'>) {
  const [role, setRole] = useState<Role>(account.role);
  return (
    <ActionDialog
      title="Change the role"
      given={{ role }}
      forecast={async (given) => {
        const { role: now, secondFactorAt } = await change(account, 'find');
        if (given.role === now) return { text: `It is ${roleWords[now].name} now.`, button: undefined };
        const { name, may } = roleWords[given.role];
        const factor =
          given.role !== 'user' && secondFactorAt === null
            ? ' Where a second factor is required, the role counts once an authenticator app is set up.'
            : '';
        return {
          text: `${nameOf(account)} may ${may}, from the next request on.${factor}`,
          button: `Make ${name}`,
        };
      }}
      act={async (given) => {
        onChanged(await change(account, 'role', given));
        return `The role is ${roleWords[given.role].name} now.`;
      }}
      onClose={onClose}
    >
      <label>
        Role
        <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
          {allRoles.map((each) => (
            <option key={each} value={each}>
              {roleWords[each].name}
            </option>
          ))}
        </select>
      </label>
    </ActionDialog>
  );
}

const nameOf = ({ email, userId }: AdminAccount) => email ?? userId;

const change = ({ userId }: AdminAccount, endpoint: AccountAction | 'find', more: object = {}) =>
  ask<AdminAccount>(`admin/accounts/${endpoint}`, { body: { userId, ...more } });

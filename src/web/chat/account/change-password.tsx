import { Card } from '../../components/card.tsx';
import { account } from '../api.ts';
import { NewPasswordField } from '../new-password-field.tsx';
import { AccountForm, PasswordField, passwordIn } from './account-form.tsx';

export function ChangePassword({ email }: { email: string }) {
  return (
    <Card id="password" title="Password">
      <AccountForm
        name="Change the password"
        button="Change the password"
        done="Your password is changed. All your other logins have ended."
        act={(fields) => account.changePassword(passwordIn(fields), String(fields.get('new')))}
      >
        {/* Password managers want to know whose password it is. */}
        <input
          class="visually-hidden"
          tabIndex={-1}
          aria-hidden="true"
          autocomplete="username"
          value={email}
          readOnly
        />
        <PasswordField label="Present password" />
        <NewPasswordField name="new" />
      </AccountForm>
    </Card>
  );
}

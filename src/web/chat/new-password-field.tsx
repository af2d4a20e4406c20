import { LEAST_PASSWORD_CHARS } from './password-words.ts';

/** @param props.name of the field in its form */
export const NewPasswordField = ({ name }: { name: string }) => (
  <label>
    New password
    <input
      type="password"
      name={name}
      autocomplete="new-password"
      required
      minLength={LEAST_PASSWORD_CHARS}
      maxLength={128}
    />
    <small>At least {LEAST_PASSWORD_CHARS} characters.</small>
  </label>
);

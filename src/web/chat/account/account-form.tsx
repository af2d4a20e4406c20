import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { problemOf } from './problem-of.ts';

/**
 * A form that does something with its fields, and says in place whether that went well.
 * @param props.name what the form is for
 * @param props.done what to say once it is done; left out: what is shown next says it
 */
export function AccountForm(props: {
  name: string;
  button: string;
  done?: string;
  act: (fields: FormData) => Promise<void>;
  children: ComponentChildren;
}) {
  const { name, button, done = '', act, children } = props;
  const [state, setState] = useState<{ name: 'asking' | 'working' | 'done'; problem?: string }>({ name: 'asking' });
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setState({ name: 'working' });
    try {
      await act(new FormData(form));
      form.reset();
      setState({ name: 'done' });
    } catch (error) {
      setState({ name: 'asking', problem: problemOf(error) });
    }
  };
  return (
    <form class="fields" onSubmit={submit} aria-label={name}>
      {children}
      <p class="form-problem" role="alert">
        {state.problem}
      </p>
      <p class="quiet" role="status">
        {state.name === 'done' ? done : ''}
      </p>
      <button type="submit" class="primary" disabled={state.name === 'working'}>
        {state.name === 'working' ? 'One moment …' : button}
      </button>
    </form>
  );
}

/** The present password. */
export const PasswordField = ({ label = 'Your password' }: { label?: string }) => (
  <label>
    {label}
    <input type="password" name="password" autocomplete="current-password" required maxLength={128} />
  </label>
);

/** @param props.hint says which codes count */
export const CodeField = ({ hint }: { hint: string }) => (
  <label>
    Code
    <input name="totp" inputMode="numeric" autocomplete="one-time-code" required maxLength={64} />
    <small>{hint}</small>
  </label>
);

/** Reads what the two fields above have. */
export const passwordIn = (fields: FormData) => String(fields.get('password'));
export const codeIn = (fields: FormData) => String(fields.get('totp'));

import { useState } from 'preact/hooks';

/**
 * Asks what it is about, and why.
 * @param props.fields the names of the fields, and their words
 * @param props.given values to begin with
 * @param props.submit rejects with what the person is told
 */
export function TextForm(props: {
  fields: Record<string, string>;
  given?: URLSearchParams;
  button: string;
  submit: (fields: Record<string, string>) => Promise<void>;
}) {
  const { fields, given, button, submit } = props;
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    const values = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)) as Record<string, string>;
    await submit(values).catch((error: Error) => setProblem(error.message));
    setBusy(false);
  };
  return (
    <form class="card text-form" onSubmit={send}>
      {Object.entries(fields).map(([name, words]) => (
        <label key={name}>
          {words}
          <input name={name} defaultValue={given?.get(name) ?? ''} required autocomplete="off" spellcheck={false} />
        </label>
      ))}
      <label>
        Reason
        <textarea name="reason" required minLength={10} maxLength={500} rows={2} />
      </label>
      {problem && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy}>
          {button}
        </button>
      </div>
    </form>
  );
}

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from '../../components/dialog.tsx';
import { wordsOf } from '../conversation/open-conversation.ts';

/**
 * A dialog that does something once the reader confirms it. If that fails, it says why and stays open.
 * @param props.verb what the button says that confirms
 * @param props.words why it has failed
 * @param props.act given the fields among the children
 */
export function ConfirmDialog(props: {
  title: string;
  verb: string;
  look: 'primary' | 'danger';
  act: (fields: FormData) => Promise<void>;
  words?: (error: unknown) => string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const { title, verb, look, act, words = wordsOf, onClose, children } = props;
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setWorking(true);
    try {
      await act(new FormData(event.currentTarget as HTMLFormElement));
      onClose();
    } catch (error) {
      setProblem(words(error));
      setWorking(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="fields" onSubmit={submit}>
        {children}
        <p class="form-problem" role="alert">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={look} disabled={working}>
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

import { useState } from 'preact/hooks';

const SHOWN_MS = 2_000;

/** Copies a text. @param what names it for those who do not see it */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<'copied' | 'failed'>();
  const copy = async () => {
    // Browsers offer the clipboard only over https, or on their own machine.
    const result = await Promise.resolve(navigator.clipboard?.writeText(text)).then(
      () => (navigator.clipboard ? 'copied' : 'failed'),
      () => 'failed' as const,
    );
    setDone(result);
    setTimeout(() => setDone(undefined), SHOWN_MS);
  };
  return (
    <button type="button" class="small" onClick={copy}>
      <span aria-live="polite">{done === 'copied' ? 'Copied' : done === 'failed' ? 'Select it' : 'Copy'}</span>
      <span class="visually-hidden">{` ${what}`}</span>
    </button>
  );
}

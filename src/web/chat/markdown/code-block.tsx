import { CopyButton } from '../../components/copy-button.tsx';

/** Code, as it was written, with a button that copies it. */
export function CodeBlock({ text, language }: { text: string; language: string | undefined }) {
  const name = /^[\w+#.-]{1,20}/.exec(language ?? '')?.[0];
  return (
    <div class="code-block" dir="ltr">
      <div class="code-head">
        <span>{name ?? 'text'}</span>
        <CopyButton text={text} what="this code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

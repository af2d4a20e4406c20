import { Lexer, type Token } from 'marked';
import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import { Block } from './block.tsx';

/**
 * A text in Markdown, as elements. No HTML is made of it: what looks like HTML is shown as text, and images are shown as
 * their descriptions. While the text grows, only its last blocks are made anew.
 */
export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => readBlocks(text), [text]);
  return (
    <div class="markdown">
      {blocks.map((block, index) => (
        <OneBlock key={index} block={block} />
      ))}
    </div>
  );
}

const OneBlock = memo(
  Block,
  (before, after) => before.block.type === after.block.type && before.block.raw === after.block.raw,
);

/** Returns the blocks of a text. */
export function readBlocks(text: string): Token[] {
  try {
    return new Lexer({ gfm: true }).lex(text);
  } catch {
    // The answer matters more than its form.
    return [{ type: 'text', raw: text, text }];
  }
}

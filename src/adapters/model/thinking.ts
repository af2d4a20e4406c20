/** The tags in which models put their thinking. */
const TAG = '(think|thinking|thought|reasoning)';
/** A text begins with an opening tag. */
const OPEN = new RegExp(`^\\s*<${TAG}>`, 'i');
/** A closing tag that ends its line. */
const CLOSE = new RegExp(`</${TAG}>[ \\t]*(\\r?\\n|$)`, 'gi');
const MENTIONED = new RegExp(`</?${TAG}>`, 'i');
const BLOCK = new RegExp(`<${TAG}>[\\s\\S]*?</\\1>\\s*`, 'gi');

/**
 * Removes the thinking that a model has written before its answer, as in `<think>…</think>`. If such a block is never closed,
 * all of the text is thinking. If the text does not begin with such a block, tags further on are left as they are, because
 * the answer may be about them.
 */
export function withoutThinking(text: string): string {
  if (!MENTIONED.test(text)) return text;
  let rest = text;
  let removed = false;
  for (let open = OPEN.exec(rest); open; open = OPEN.exec(rest)) {
    rest = afterBlock(rest.slice(open[0].length), open[1]!);
    removed = true;
  }
  if (removed) return withoutLaterBlocks(rest).trimStart();
  return withoutUnopened(text);
}

/** The text after the block that was just opened. Blocks inside it are part of it. */
function afterBlock(text: string, tag: string): string {
  const tags = new RegExp(`<(/?)${tag}>`, 'gi');
  let depth = 1;
  let lastClose: number | undefined;
  for (const match of text.matchAll(tags)) {
    depth += match[1] ? -1 : 1;
    if (match[1]) lastClose = match.index + match[0].length;
    if (depth === 0) return text.slice(match.index + match[0].length);
  }
  // The thinking mentions its own tag. The answer is what comes after the last closing tag.
  return lastClose === undefined ? '' : text.slice(lastClose);
}

/** A model that has written its thinking once may do so again between paragraphs. Tags in code are left as they are. */
function withoutLaterBlocks(text: string): string {
  if (!MENTIONED.test(text)) return text;
  return text
    .split(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(BLOCK, '')))
    .join('');
}

/** Some templates leave the opening tag out. Then the thinking ends at a closing tag that is alone on its line. */
function withoutUnopened(text: string): string {
  const [close] = text.matchAll(CLOSE);
  if (!close) return text;
  const before = text.slice(0, close.index);
  const opened = before.toLowerCase().includes(`<${close[1]!.toLowerCase()}>`);
  const inCode = (before.match(/```/g)?.length ?? 0) % 2 === 1;
  const alone = before.slice(before.lastIndexOf('\n') + 1).trim() === '';
  return opened || inCode || !alone ? text : text.slice(close.index + close[0].length).trimStart();
}

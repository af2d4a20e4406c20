/** The tags around a model's thinking. */
const TAG = '(think|thinking|thought|reasoning)';
/** An opening tag at the beginning of a text. */
const OPEN = new RegExp(`^\\s*<${TAG}>`, 'i');
/** A closing tag at the end of a line. */
const CLOSE = new RegExp(`</${TAG}>[ \\t]*(\\r?\\n|$)`, 'gi');
const MENTIONED = new RegExp(`</?${TAG}>`, 'i');
const BLOCK = new RegExp(`<${TAG}>[\\s\\S]*?</\\1>\\s*`, 'gi');

/**
 * Removes the thinking that a model wrote before its answer, as in `<think>…</think>`. If the tag is never closed, the
 * whole text is thinking. If the text does not begin with such a tag, later tags stay, because the answer may be about
 * them.
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

/** Returns the text after the block that was just opened. Inner blocks are part of it. */
function afterBlock(text: string, tag: string): string {
  const tags = new RegExp(`<(/?)${tag}>`, 'gi');
  let depth = 1;
  let lastClose: number | undefined;
  for (const match of text.matchAll(tags)) {
    depth += match[1] ? -1 : 1;
    if (match[1]) lastClose = match.index + match[0].length;
    if (depth === 0) return text.slice(match.index + match[0].length);
  }
  // The thinking mentions its own tag. So the answer begins after the last closing tag.
  return lastClose === undefined ? '' : text.slice(lastClose);
}

/** A model that has written its thinking once may do so again between paragraphs. Tags in code stay. */
function withoutLaterBlocks(text: string): string {
  if (!MENTIONED.test(text)) return text;
  return text
    .split(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(BLOCK, '')))
    .join('');
}

/** Some templates leave out the opening tag. Then the thinking ends at a closing tag that is alone on its line. */
function withoutUnopened(text: string): string {
  const [close] = text.matchAll(CLOSE);
  if (!close) return text;
  const before = text.slice(0, close.index);
  const opened = before.toLowerCase().includes(`<${close[1]!.toLowerCase()}>`);
  const inCode = (before.match(/```/g)?.length ?? 0) % 2 === 1;
  const alone = before.slice(before.lastIndexOf('\n') + 1).trim() === '';
  return opened || inCode || !alone ? text : text.slice(close.index + close[0].length).trimStart();
}

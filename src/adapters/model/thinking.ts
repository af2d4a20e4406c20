const OPEN = /^\s*<(think|thinking|thought|reasoning)>/i;
/** A tag that ends its line. */
const CLOSE = /<\/(think|thinking|thought|reasoning)>[ \t]*(\r?\n|$)/gi;
const MENTIONED = /<\/?(think|thinking|thought|reasoning)>/i;

/**
 * A model's text without what it thought aloud in `<think>…</think>` before its answer. A block that is never closed is
 * all thought. Tags further on in the answer are part of it: it may be about them.
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

/** What follows the block that was just opened; nested blocks are part of it. */
function afterBlock(text: string, tag: string): string {
  const tags = new RegExp(`<(/?)${tag}>`, 'gi');
  let depth = 1;
  let lastClose: number | undefined;
  for (const match of text.matchAll(tags)) {
    depth += match[1] ? -1 : 1;
    if (match[1]) lastClose = match.index + match[0].length;
    if (depth === 0) return text.slice(match.index + match[0].length);
  }
  // A thought that mentions its own tag: what is after the last end is the answer.
  return lastClose === undefined ? '' : text.slice(lastClose);
}

/** A model that thinks aloud may do so again between paragraphs; what is in code is left as it is. */
function withoutLaterBlocks(text: string): string {
  if (!MENTIONED.test(text)) return text;
  return text
    .split(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)/)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replace(/<(think|thinking|thought|reasoning)>[\s\S]*?<\/\1>\s*/gi, ''),
    )
    .join('');
}

/** Without what was thought before a tag that nothing opened, as some templates have it: alone on its line. */
function withoutUnopened(text: string): string {
  const [close] = text.matchAll(CLOSE);
  if (!close) return text;
  const before = text.slice(0, close.index);
  const opened = before.toLowerCase().includes(`<${close[1]!.toLowerCase()}>`);
  const inCode = (before.match(/```/g)?.length ?? 0) % 2 === 1;
  const alone = before.slice(before.lastIndexOf('\n') + 1).trim() === '';
  return opened || inCode || !alone ? text : text.slice(close.index + close[0].length).trimStart();
}

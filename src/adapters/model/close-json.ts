/**
 * Completes a JSON text that was cut off, so that it can be parsed. An open string ends where the text ends, and the
 * objects and lists around it are closed. Anything that cannot be completed, such as half a name or number, is left
 * out.
 */
export function closeJson(text: string): string {
  const closers: string[] = [];
  let inString = false;
  let isName = false;
  /** The last place where the text can end, and what must be added there to close it. */
  let good = { end: 0, closers: '' };
  let expectsName = false;

  for (let index = 0; index < text.length; index += 1) {
    const char = text[index]!;
    if (inString) {
      if (char === '\\') index += 1;
      else if (char === '"') {
        inString = false;
        if (!isName) mark(index + 1);
      }
      continue;
    }
    if (char === '"') {
      inString = true;
      isName = expectsName;
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']');
      expectsName = char === '{';
      mark(index + 1);
    } else if (char === '}' || char === ']') {
      closers.pop();
      mark(index + 1);
    } else if (char === ':') expectsName = false;
    else if (char === ',') {
      expectsName = closers.at(-1) === '}';
      mark(index);
    }
  }
  if (inString && !isName) return `${withoutHalfEscape(text)}"${closers.toReversed().join('')}`;
  return text.slice(0, good.end) + good.closers;

  function mark(end: number): void {
    good = { end, closers: closers.toReversed().join('') };
  }
}

/** The text without an escape that is cut off at its end. */
const withoutHalfEscape = (text: string) =>
  text.replace(/\\(u[0-9a-f]{0,3})?$/i, (half, _hex, at: number) => {
    // A backslash that is escaped itself does not begin an escape.
    let before = 0;
    while (text[at - 1 - before] === '\\') before += 1;
    return before % 2 === 1 ? half : '';
  });

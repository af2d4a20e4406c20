/**
 * The beginning of a JSON text, completed so that it can be parsed: an open string ends where the text ends, and what is
 * open around it is closed. What was begun and cannot be completed, such as half a name or number, is left out.
 */
export function closeJson(text: string): string {
  const closers: string[] = [];
  let inString = false;
  let isName = false;
  /** Up to where all is complete, but for the closers at that place. */
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

/** Without an escape that is not complete at its end. */
const withoutHalfEscape = (text: string) =>
  text.replace(/\\(u[0-9a-f]{0,3})?$/i, (half, _hex, at: number) => {
    // A backslash that is escaped itself begins nothing.
    let before = 0;
    while (text[at - 1 - before] === '\\') before += 1;
    return before % 2 === 1 ? half : '';
  });

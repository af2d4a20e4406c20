/** Strings, and two kinds of numbers that JavaScript and Python know and JSON does not. */
const STRING_OR_NO_NUMBER = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;
const CONTROL = /\p{Cc}/gu;

/**
 * Parses JSON. Accepts two things that JSON forbids and some servers write: `NaN` and `Infinity`, which become null,
 * and line ends within strings.
 * @returns undefined: the text is not JSON
 */
export function jsonOf(text: string): unknown {
  return parsed(text) ?? (/^\s*[[{]/.test(text) ? parsed(strict(text)) : undefined);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const strict = (text: string) =>
  text.replaceAll(STRING_OR_NO_NUMBER, (found) =>
    found.startsWith('"') ? found.replaceAll(CONTROL, escaped) : 'null',
  );

const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Strings, and the numbers of JavaScript and Python that JSON does not have. */
const STRING_OR_NO_NUMBER = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;
const CONTROL = /\p{Cc}/gu;

/**
 * Parses JSON, also if it has what JSON does not allow and some servers write: `NaN` and `Infinity`, which become null, and
 * line ends within strings.
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

/** Strings, and what JavaScript and Python write for numbers that JSON does not have. */
const STRING_OR_NO_NUMBER = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;
const CONTROL = /\p{Cc}/gu;

/**
 * What a text of JSON says; undefined: it is none. It takes what some servers write though JSON does not allow it: `NaN`
 * and `Infinity`, which become null, and line ends within strings.
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

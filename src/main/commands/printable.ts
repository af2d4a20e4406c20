/**
 * Makes somebody else's text safe for a terminal, which would obey the control characters in it.
 * @param lines whether line breaks and tabs stay
 */
export const printable = (text: string, lines = false) =>
  text.replace(/\p{Cc}/gu, (character) =>
    lines && (character === '\n' || character === '\t')
      ? character
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

/**
 * Returns the beginning of a text, at most `maxChars` UTF-16 code units. It does not end within a character, because
 * Lua scripts in Redis cannot read JSON with half a character (a lone surrogate).
 */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  const endsWithin = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, endsWithin ? maxChars - 1 : maxChars);
}

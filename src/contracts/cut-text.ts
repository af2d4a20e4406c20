/**
 * The beginning of a text, at most `maxChars` UTF-16 code units long. It ends at a whole character, because Redis's scripts
 * cannot read JSON in which a character is cut in half (a lone surrogate).
 */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  const endsWithin = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, endsWithin ? maxChars - 1 : maxChars);
}

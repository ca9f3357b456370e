const MAX_CHARACTERS = 160;

/**
 * Makes a server's text safe to print: without control and format characters, which move the cursor of a terminal or
 * reverse the text, and at most 160 characters long.
 */
export function sanitize(text: string): string {
  const clean = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > MAX_CHARACTERS ? `${clean.slice(0, MAX_CHARACTERS - 1).toWellFormed()}…` : clean;
}

/** Names the difference between two URLs that look alike, in parentheses; empty when there is no such difference. */
export function describeDifference(one: string, other: string): string {
  if (one === other) return '';
  if (one.replace(/\/$/, '') === other.replace(/\/$/, '')) return ' (they differ in the slash at the end)';
  if (one.toLowerCase() === other.toLowerCase()) return ' (they differ in upper and lower case)';
  if (one.replace(/^https?:/, '') === other.replace(/^https?:/, '')) return ' (they differ in http and https)';
  if (one.split('?')[0] === other.split('?')[0]) return ' (they differ in the query)';
  return '';
}

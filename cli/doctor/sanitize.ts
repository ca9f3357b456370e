/** Characters of a server's text that are shown. */
const LONGEST = 160;

/** A server's text as it may be shown: without what could move a terminal's cursor or turn its text around, and short. */
export function sanitize(text: string): string {
  const clean = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST - 1).toWellFormed()}…` : clean;
}

/** Says in which way two identifiers differ that look alike. */
export function difference(one: string, other: string): string {
  if (one === other) return '';
  if (one.replace(/\/$/, '') === other.replace(/\/$/, '')) return ' (a slash at the end)';
  if (one.toLowerCase() === other.toLowerCase()) return ' (upper and lower case)';
  if (one.replace(/^https?:/, '') === other.replace(/^https?:/, '')) return ' (http and https)';
  if (one.split('?')[0] === other.split('?')[0]) return ' (the query)';
  return '';
}

/** Names the difference between two URLs that look alike, in parentheses; empty when there is no such difference. */
export function describeDifference(one: string, other: string): string {
  if (one === other) return '';
  if (one.replace(/\/$/, '') === other.replace(/\/$/, '')) return ' (they differ in the slash at the end)';
  if (one.toLowerCase() === other.toLowerCase()) return ' (they differ in upper and lower case)';
  if (one.replace(/^https?:/, '') === other.replace(/^https?:/, '')) return ' (they differ in http and https)';
  if (one.split('?')[0] === other.split('?')[0]) return ' (they differ in the query)';
  return '';
}

/** The media type of JSON Lines. */
export const JSON_LINES = 'application/jsonl';

/** Writes values as JSON Lines: each on its line, which ends in a line break. */
export function writeJsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

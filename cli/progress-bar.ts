const BAR_CHARACTERS = 30;

/** Draws how much of something is done, from 0 to 1: `[###...]`. */
export function progressBar(share: number): string {
  const done = Math.floor(share * BAR_CHARACTERS);
  return `[${'#'.repeat(done)}${'.'.repeat(BAR_CHARACTERS - done)}]`;
}

/** Writes a number for people: 10,000. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en-US');
}

const TIME_ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** Proposes the time zones whose names contain `typed`, because a person types the name of a city. */
export function completeTimeZone(typed: string): string[] {
  const part = typed.toLowerCase().replaceAll(' ', '_');
  return TIME_ZONES.filter((zone) => zone.toLowerCase().includes(part));
}

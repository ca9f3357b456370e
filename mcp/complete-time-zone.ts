/** Names of IANA that ICU does not list, because it keeps the older name of each: Asia/Calcutta for Asia/Kolkata. */
const UNLISTED = [
  'Africa/Asmara',
  'America/Argentina/Buenos_Aires',
  'America/Argentina/Catamarca',
  'America/Argentina/Cordoba',
  'America/Argentina/Jujuy',
  'America/Argentina/Mendoza',
  'America/Atikokan',
  'America/Indiana/Indianapolis',
  'America/Kentucky/Louisville',
  'America/Nuuk',
  'Asia/Ho_Chi_Minh',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Asia/Yangon',
  'Atlantic/Faroe',
  'Europe/Kyiv',
  'Pacific/Chuuk',
  'Pacific/Kanton',
  'Pacific/Pohnpei',
];

// a set: a later ICU may list them
const TIME_ZONES = ['UTC', ...new Set([...Intl.supportedValuesOf('timeZone'), ...UNLISTED].toSorted())];

/** Proposes the time zones whose names contain `typed`, because a person types the name of a city. */
export function completeTimeZone(typed: string): string[] {
  const part = toPlain(typed).replaceAll(' ', '_');
  return TIME_ZONES.filter((zone) => toPlain(zone).includes(part));
}

/** Without case and accents: the lower case of İ is an i with a dot above it. */
function toPlain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

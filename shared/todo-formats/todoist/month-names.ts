/** The languages of Todoist whose months have names. */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'da', 'nb', 'sv', 'fi', 'pl', 'cs', 'ru', 'tr'] as const;
const MIN_PREFIX_CHARACTERS = 3;

type MonthNames = ReadonlyMap<string, number>;
const namesByLanguage = new Map<string, MonthNames>();

/**
 * Returns the month that a word names, whole or shortened. It is read in the language, else in English. Without a known
 * language, every language counts.
 */
export function findMonth(word: string, language: string): number | undefined {
  const name = normalize(word);
  const languages = LANGUAGES.some((known) => known === language) ? [language, 'en'] : LANGUAGES;
  for (const candidate of languages) {
    const month = findIn(getNames(candidate), name);
    if (month !== undefined) return month;
  }
  return undefined;
}

function findIn(names: MonthNames, name: string): number | undefined {
  const exact = names.get(name);
  if (exact !== undefined || name.length < MIN_PREFIX_CHARACTERS) return exact;
  const months = new Set([...names].filter(([whole]) => whole.startsWith(name)).map(([, month]) => month));
  return months.size === 1 ? [...months][0] : undefined;
}

function getNames(language: string): MonthNames {
  const known = namesByLanguage.get(language);
  if (known) return known;
  const names = createNames(language);
  namesByLanguage.set(language, names);
  return names;
}

/** A month has one form beside a day (`5 marca`) and another alone (`marzec`). */
function createNames(language: string): MonthNames {
  const forms = (['long', 'short'] as const).flatMap((month) => [{ month, day: 'numeric' } as const, { month }]);
  const names = new Map<string, number>();
  for (const form of forms) {
    const format = new Intl.DateTimeFormat(language, { ...form, timeZone: 'UTC' });
    for (let month = 1; month <= 12; month += 1) {
      const parts = format.formatToParts(Date.UTC(2027, month - 1, 5));
      const name = normalize(parts.find(({ type }) => type === 'month')?.value ?? '');
      if (/\p{L}/u.test(name) && !names.has(name)) names.set(name, month);
    }
  }
  return names;
}

function normalize(word: string): string {
  return word
    .normalize('NFKD')
    .replaceAll(/[\p{M}.]/gu, '')
    .toLowerCase();
}

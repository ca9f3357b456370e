/** Words that make a due date of Todoist repeat, by the languages of Todoist. */
const WORDS: Readonly<Record<string, string>> = {
  en: 'every everyday ev daily weekly monthly quarterly yearly annually',
  de: 'jede jeden jeder jedes alle täglich wöchentlich monatlich jährlich',
  fr: 'chaque tous toutes quotidien quotidiennement hebdomadaire mensuel annuel',
  es: 'cada todos todas diario diariamente semanalmente mensualmente anualmente',
  pt: 'cada todo toda todos todas diariamente semanalmente mensalmente anualmente',
  it: 'ogni tutti tutte quotidianamente settimanalmente mensilmente annualmente',
  nl: 'elk elke ieder iedere dagelijks wekelijks maandelijks jaarlijks',
  da: 'hver hvert dagligt dagligen ugentligt månedligt årligt',
  nb: 'hver hvert daglig ukentlig månedlig årlig',
  sv: 'var varje vart vartannat varannan dagligen veckovis månadsvis årligen',
  fi: 'joka päivittäin viikoittain kuukausittain vuosittain',
  pl: 'co każdy każda każde codziennie cotygodniowo comiesięcznie corocznie',
  cs: 'každý každou každé každých denně týdně měsíčně ročně',
  ru: 'каждый каждая каждую каждое каждые ежедневно еженедельно ежемесячно ежегодно',
  tr: 'her',
};
/** Scripts without spaces between words. */
const SIGNS = /[毎每매]|마다/;

const MAX_CHARACTERS = 200;

const SETS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(WORDS).map(([language, words]) => [language, new Set(words.split(' '))]),
);

/** Whether a due date repeats. Without a known language, the words of every language count. */
export function isRepeating(text: string, language: string): boolean {
  const own = SETS.get(language);
  const sets = own ? [own, SETS.get('en')] : [...SETS.values()];
  const words =
    text
      .slice(0, MAX_CHARACTERS)
      .normalize('NFC')
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  return SIGNS.test(text) || words.some((word) => sets.some((set) => set?.has(word)));
}

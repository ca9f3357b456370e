const COMMENT = /\/\/.*|\/\*[\s\S]*?\*\//y;
const STRING = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/y;
const REGULAR_EXPRESSION = /(?<=[(,=:[!&|?{};]\s*|return\s+)\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE_PART = /((?:[^`\\$]|\\[\s\S]|\$(?!\{))*)(`|\$\{)/y;

/** Returns the texts of all string literals in TypeScript source; a template literal is split at its `${…}`. */
export function stringFragments(source: string): string[] {
  const fragments: string[] = [];
  /** For each enclosing template literal, how many braces are open in its `${…}`. */
  const openBraces: number[] = [];
  let index = 0;

  while (index < source.length) {
    if (read(COMMENT) || read(REGULAR_EXPRESSION)) continue;
    const string = read(STRING);
    if (string !== undefined) {
      add(string[1] ?? string[2] ?? '');
      continue;
    }
    const character = source[index];
    index += 1;
    const depth = openBraces.at(-1);
    if (character === '`') readTemplatePart();
    else if (character === '{' && depth !== undefined) openBraces[openBraces.length - 1] = depth + 1;
    else if (character === '}' && depth !== undefined && depth > 0) openBraces[openBraces.length - 1] = depth - 1;
    else if (character === '}' && depth === 0) {
      openBraces.pop();
      readTemplatePart();
    }
  }
  return fragments;

  function readTemplatePart(): void {
    const part = read(TEMPLATE_PART);
    add(part?.[1] ?? '');
    if (part?.[2] === '${') openBraces.push(0);
  }

  function read(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = index;
    const match = pattern.exec(source);
    if (match === null) return undefined;
    index = pattern.lastIndex;
    return match;
  }

  function add(text: string): void {
    fragments.push(text.replace(/\\([\s\S])/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped)));
  }
}

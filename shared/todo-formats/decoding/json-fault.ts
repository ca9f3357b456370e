const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

/** What may come next: a value, the first or a later member of an object, the first element of an array, or what ends a value. */
type Expected = 'value' | 'key' | 'key or }' | 'value or ]' | 'separator';

/** Returns where a text stops being JSON. The errors of `JSON.parse` do not always say it. */
export function findJsonFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let position = 0;

  for (;;) {
    while (/^[ \t\r\n]$/.test(text.charAt(position))) position += 1;
    const character = text.charAt(position);
    const end = readToken(character);
    if (end === undefined) return position;
    position = end;
  }

  function readToken(character: string): number | undefined {
    if (expected === 'separator') return readSeparator(character);
    if ((character === '}' && expected === 'key or }') || (character === ']' && expected === 'value or ]'))
      return close();
    if (expected === 'key' || expected === 'key or }') return readKey(character);
    return readValue(character);
  }

  function readSeparator(character: string): number | undefined {
    const container = open.at(-1);
    if ((character === '}' && container === '{') || (character === ']' && container === '[')) return close();
    if (character !== ',' || container === undefined) return undefined;
    expected = container === '{' ? 'key' : 'value';
    return position + 1;
  }

  function readKey(character: string): number | undefined {
    const end = character === '"' ? findStringEnd(text, position) : undefined;
    if (end === undefined) return undefined;
    let colon = end;
    while (/^[ \t\r\n]$/.test(text.charAt(colon))) colon += 1;
    position = colon;
    expected = 'value';
    return text.charAt(colon) === ':' ? colon + 1 : undefined;
  }

  function readValue(character: string): number | undefined {
    if (character === '{' || character === '[') {
      open.push(character);
      expected = character === '{' ? 'key or }' : 'value or ]';
      return position + 1;
    }
    expected = 'separator';
    if (character === '"') return findStringEnd(text, position);
    SCALAR.lastIndex = position;
    return SCALAR.test(text) ? SCALAR.lastIndex : undefined;
  }

  function close(): number {
    open.pop();
    expected = 'separator';
    return position + 1;
  }
}

/** Returns the position after a string, which is the end of the text if that comes first, or undefined for a line break in it. */
function findStringEnd(text: string, start: number): number | undefined {
  for (let position = start + 1; position < text.length; position += 1) {
    const character = text.charAt(position);
    if (character === '"') return position + 1;
    if (character === '\\') position += 1;
    else if (character < ' ') return undefined;
  }
  return text.length;
}

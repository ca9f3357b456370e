const INVISIBLE = String.raw`\s\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}`;
const VISIBLE = new RegExp(`[^${INVISIBLE}]`, 'u');

/** Text that the API accepts: without NUL and lone surrogates, and with `\n` as the end of each line. It is trimmed. */
export function toStorableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().replaceAll(/\r\n?/g, '\n').trim();
}

/** The same on one line: line breaks become one space. */
export function toStorableLine(text: string): string {
  return toStorableText(text)
    .split(/[\n\v\f\u0085\u2028\u2029]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}

/** Whether a reader sees at least one character of the text. */
export function isVisible(text: string): boolean {
  return VISIBLE.test(text);
}

/** Returns the first characters of a text. The API counts code points as characters. */
export function cutText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  let end = 0;
  for (let characters = 0; characters < maxCharacters && end < text.length; characters += 1) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

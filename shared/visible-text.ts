/** Letters and marks of scripts in which U+200C and U+200D are part of ordinary words. */
const JOINED = String.raw`[[\p{scx=Arab}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}]&&[\p{L}\p{M}]]`;

/** What stays, although it is invisible alone: the selectors and joiners within emoji, and the joiners within words. */
const KEPT = [
  String.raw`[\uFE0E\uFE0F](?<=[\p{Emoji}\p{ExtPict}].)`,
  String.raw`\u200D(?<=[\p{ExtPict}\p{EMod}]\uFE0F?.)(?=\p{ExtPict})`,
  String.raw`[\u200C\u200D](?<=${JOINED}.)(?=${JOINED})`,
].join('|');

/**
 * Controls (C0, C1), format characters (among them those that change the direction of text, and the tags from U+E0000 on),
 * line and paragraph separators, lone surrogates, and every other character without a visible form.
 */
const INVISIBLE = new RegExp(String.raw`(${KEPT})|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]`, 'gv');

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Replaces every character that a reader does not see, or that changes the text around it, by a visible escape: `\n`,
 * `\u{202E}`. The result is one line, which cannot control a terminal.
 */
export function escapeInvisible(text: string): string {
  return text.replace(INVISIBLE, (character, kept: string | undefined) => {
    return kept ?? SHORT_ESCAPES[character] ?? `\\u{${character.codePointAt(0)?.toString(16).toUpperCase()}}`;
  });
}

/** Quotes untrusted text on one line, so that a reader sees where it begins and ends. Quotes within it are escaped. */
export function quote(text: string): string {
  return `"${escapeInvisible(text.replaceAll(/["\\]/g, '\\$&'))}"`;
}

/** Writes a JSON value like `JSON.stringify`, with an escape for each invisible character. It parses to the same value. */
export function toVisibleJson(value: unknown): string {
  return JSON.stringify(value).replace(
    INVISIBLE,
    (character, kept: string | undefined) => kept ?? toJsonEscape(character),
  );
}

function toJsonEscape(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

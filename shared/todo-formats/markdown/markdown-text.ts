import { MARK } from '../rules/escape-words.ts';

/** What a line of text begins with if it would be read as something else: white space, a quote, a list item or a code block. */
const SPECIAL_START = /^(?:\s|>|(?:[-*+]|\d{1,9}[.)])[ \t]|`{3}|~{3}|\u2060)/u;
const SPECIAL_END = /[\s\u2060]$/u;

/** Puts marks around what a reader of the file would take for something else, or leave out. */
export function escapeText(text: string): string[] {
  return text.split('\n').map((line, index, lines) => {
    // several blank lines would become one
    if (line === '') return lines[index - 1] === '' ? MARK : '';
    return `${SPECIAL_START.test(line) ? MARK : ''}${line}${SPECIAL_END.test(line) ? MARK : ''}`;
  });
}

/** Undoes `escapeText`. */
export function unescapeText(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(/^\u2060|\u2060$/gu, ''))
    .join('\n');
}

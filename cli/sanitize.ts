import { escapeInvisible, toVisibleJson } from '../shared/visible-text.ts';

const MAX_CHARACTERS = 160;

/**
 * Makes a server's text safe to print within a sentence: on one line, with an escape for each control and format
 * character, and at most 160 characters long.
 */
export function sanitize(text: string): string {
  const clean = escapeInvisible(text.trim());
  return clean.length > MAX_CHARACTERS ? `${clean.slice(0, MAX_CHARACTERS - 1).toWellFormed()}…` : clean;
}

/** Visible ASCII without the characters that separate or replace values: space, quote, `@`. */
const PLAIN_VALUE = /^(?!-$)[\x21\x23-\x3f\x41-\x7e]+$/;

/**
 * Makes a value safe to print in a column. It is quoted as JSON unless it is one plain word, so that a name that a stranger
 * chose cannot look like several columns.
 */
export function quoteValue(value: string): string {
  return PLAIN_VALUE.test(value) ? value : toVisibleJson(value);
}

/** Makes text of several lines safe for a terminal: each control and format character except the line feed is escaped. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeInvisible).join('\n');
}

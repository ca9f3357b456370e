import ICAL from 'ical.js';
import { UnreadableFileError } from '../file-errors.ts';
import type { CalendarComponent } from './icalendar-components.ts';
import type { CalendarLine } from './icalendar-lines.ts';

/** A property with its values, without escapes. The names of its parameters are in small letters. */
export type CalendarProperty = {
  readonly parameters: ReadonlyMap<string, string>;
  readonly values: readonly string[];
};

/** ical.js needs time that grows with the square of the number of parameters. */
const MAX_PARAMETER_CHARACTERS = 2000;

/** The properties with this name, in their order. */
export function listProperties(component: CalendarComponent, name: string): CalendarProperty[] {
  return component.lines.filter((line) => nameOf(line) === name).map((line) => parseProperty(line));
}

export function findProperty(component: CalendarComponent, name: string): CalendarProperty | undefined {
  return listProperties(component, name)[0];
}

/** The value of a property that is text. */
export function findText(component: CalendarComponent, name: string): string | undefined {
  const line = component.lines.find((line) => nameOf(line) === name);
  // ical.js removes the escapes only from properties that it knows as text
  return line && parseProperty({ ...line, text: line.text.replace(/^[A-Za-z0-9-]+/, 'SUMMARY') }).values.join(',');
}

/**
 * The values of properties that are lists of text. ical.js does not split them right: for it, the comma of `\\,` is escaped,
 * although the backslash is that of a backslash.
 */
export function listTexts(component: CalendarComponent, name: string): string[] {
  return component.lines
    .filter((line) => nameOf(line) === name)
    .flatMap(({ number, text }) => {
      const head = findHead(text);
      if (head === undefined) throw noProperty(number);
      const values = text.slice(head.length).match(/(?:\\.|[^\\,])+/gsu) ?? [];
      return values.flatMap((value) => parseProperty({ number, text: `SUMMARY:${value}` }).values);
    });
}

/** Rejects a component with a line that is no property, such as the rest of a description whose line breaks are not escaped. */
export function requireProperties({ lines }: CalendarComponent): void {
  const broken = lines.find(({ text }) => text.trim() !== '' && !/^[^\s:;"]+[:;]/.test(text));
  if (broken) throw noProperty(broken.number);
}

export function hasProperty(component: CalendarComponent, ...names: readonly string[]): boolean {
  return component.lines.some((line) => names.includes(nameOf(line)));
}

function nameOf({ text }: CalendarLine): string {
  return /^[A-Za-z0-9-]{1,50}/.exec(text)?.[0].toUpperCase() ?? '';
}

function parseProperty({ number, text }: CalendarLine): CalendarProperty {
  const head = findHead(text);
  try {
    if (head === undefined) throw new Error('no property');
    const [, parameters, , ...values] = ICAL.parse.property(text);
    return {
      parameters: new Map(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
      values: values.map(String),
    };
  } catch (error) {
    throw noProperty(number, error);
  }
}

/** The name and the parameters of a property, with the colon behind them. */
function findHead(text: string): string | undefined {
  return /^[^":]*(?:"[^"]*"[^":]*)*:/.exec(text.slice(0, MAX_PARAMETER_CHARACTERS))?.[0];
}

function noProperty(number: number, cause?: unknown): UnreadableFileError {
  return new UnreadableFileError(
    `Line ${number}: this is no property of iCalendar. Correct the line, or export the file again`,
    { cause },
  );
}

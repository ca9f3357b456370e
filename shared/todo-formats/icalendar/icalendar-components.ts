import { UnreadableFileError } from '../file-errors.ts';
import type { CalendarLine } from './icalendar-lines.ts';

/** A component with its own lines, and the names of the components in it. */
export type CalendarComponent = {
  readonly name: string;
  readonly lines: readonly CalendarLine[];
  readonly inner: readonly CalendarComponent[];
};

type OpenComponent = {
  readonly name: string;
  readonly number: number;
  readonly lines: CalendarLine[];
  readonly inner: CalendarComponent[];
};

/** Reads the outermost components, such as VCALENDAR. The names are in capitals. */
export function readComponents(lines: readonly CalendarLine[]): CalendarComponent[] {
  const outermost: CalendarComponent[] = [];
  const open: OpenComponent[] = [];
  for (const line of lines) {
    const [, edge, written = ''] = /^(BEGIN|END):\s*(\S+)\s*$/i.exec(line.text) ?? [];
    const name = written.toUpperCase();
    if (edge === undefined) open.at(-1)?.lines.push(line);
    else if (edge.toUpperCase() === 'BEGIN') open.push({ name, number: line.number, lines: [], inner: [] });
    else close(name, line.number);
  }
  const unclosed = open.at(-1);
  if (unclosed === undefined) return outermost;
  throw new UnreadableFileError(
    `Line ${unclosed.number}: BEGIN:${quoteName(unclosed.name)} has no END. The file is not complete: export it again`,
  );

  function close(name: string, number: number): void {
    const component = open.pop();
    if (component?.name !== name) {
      throw new UnreadableFileError(
        `Line ${number}: END:${quoteName(name)} does not belong to ${component ? `BEGIN:${quoteName(component.name)}` : 'a BEGIN'}. Export the file again`,
      );
    }
    (open.at(-1)?.inner ?? outermost).push(component);
  }
}

/** The name, if it is one of a specification. Any other may be a sentence that a model would take for an instruction. */
function quoteName(name: string): string {
  return /^(?:V[A-Z]{4,12}|STANDARD|DAYLIGHT|AVAILABLE|PARTICIPANT)$/.test(name) ? name : '?';
}

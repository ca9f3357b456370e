import { EXPORT_FORMATS } from '../../shared/todo-formats/export-formats.ts';
import { IMPORT_FORMATS } from '../../shared/todo-formats/import-formats.ts';
import { type Command, defineCommand } from '../command-line/command.ts';

const WHOSE = 'The todos are those of the client or the account for which `token` prints an access token.';

const importCommand = defineCommand({
  name: 'todos import',
  summary: 'import the todos of another program, or an export of yata',
  details: `The format is recognized from the content: CSV files and zip archives of Todoist, CSV of TickTick, Google Takeout (JSON or zip), Microsoft To Do (JSON) and Outlook (CSV), Taskwarrior (JSON), todo.txt, iCalendar, task lists in Markdown, and JSON Lines of yata. ${WHOSE} The whole file is read and checked before the first todo is imported. The ids follow from the file: when you repeat an import, the todos that exist are skipped, so an interrupted import is completed. The result names what a todo of yata cannot have.`,
  arguments: { FILE: { description: 'the file; use - to read it from stdin' } },
  options: {
    'time-zone': {
      value: 'ZONE',
      description:
        'the zone of times for which the file names none, such as Europe/Berlin (default: the zone of this machine)',
    },
    format: { value: 'NAME', description: `the format, if it is not recognized: ${IMPORT_FORMATS.join(', ')}` },
    'dry-run': { description: 'read the file, show what it has, and import nothing' },
  },
  examples: [
    'todos import todoist-backup.zip --dry-run',
    'todos import Tasks.json',
    'todos import todo.txt --time-zone Europe/Berlin',
    'todos import - < todos.ics',
  ],
  async run({ arguments: { FILE: file }, options }, context) {
    const { importFile } = await import('./import-file.ts');
    const { 'time-zone': zone, format, 'dry-run': dryRun } = options;
    return importFile({ file, zone, format, dryRun }, context);
  },
});

const exportCommand = defineCommand({
  name: 'todos export',
  summary: 'export all todos for another program, or to import them again',
  details: `${WHOSE} JSON Lines have every field. The other formats have less: the result names what they cannot have, with the number of todos that have it. Their todos are in the order of the list. Ids are only in JSON Lines and iCalendar, and positions, versions and times of the last change only in JSON Lines. Without --output, the todos go to stdout, and the result goes to stderr.`,
  arguments: {},
  options: {
    format: { value: 'NAME', description: `${EXPORT_FORMATS.join(', ')} (default: jsonl)` },
    output: {
      value: 'FILE',
      description: 'a new file, which only you can read; a file that exists is not overwritten',
    },
    'time-zone': {
      value: 'ZONE',
      description:
        'the zone in which a time has its day, for todo.txt and Markdown, which have no times of day (default: the zone of this machine)',
    },
  },
  examples: [
    'todos export > todos.jsonl',
    'todos export --format icalendar --output todos.ics',
    'todos export --format todotxt --time-zone Europe/Berlin',
  ],
  async run({ options }, context) {
    const { exportTodos } = await import('./export-todos.ts');
    const { 'time-zone': zone, format, output } = options;
    return exportTodos({ format, zone, output }, context);
  },
});

/** The commands that move todos into and out of yata. */
export const todosCommands: readonly Command[] = [importCommand, exportCommand];

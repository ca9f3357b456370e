import { findJson } from '../find-json.ts';
import { decodeRoughly } from './decoding/decode-text.ts';
import { GoogleTasksFile } from './google-tasks/google-tasks.ts';
import type { FormatName } from './import-formats.ts';
import { isExportedTodo } from './jsonl/jsonl.ts';
import { isMarkdownTodo } from './markdown/markdown.ts';
import { isMicrosoftTodo } from './microsoft-todo/microsoft-todo.ts';
import { findOutlookHeader } from './outlook-csv/outlook-csv.ts';
import { findTaskwarriorLine, isTaskwarriorTask } from './taskwarrior/taskwarrior-json.ts';
import { findTicktickHeader } from './ticktick/ticktick.ts';
import { findTodoistHeader } from './todoist/todoist.ts';

/** A page of a browser, which may have words such as `due:`. A Markdown file may begin with other tags. */
const WEB_PAGE = /^<(?:!doctype|\?xml|html|head|body)\b/i;

/** Finds the format of a text by its content. */
export function recognizeFormat(text: string): FormatName | undefined {
  const content = text.trimStart();
  if (/^BEGIN:VCALENDAR/i.test(content)) return 'icalendar';
  if (WEB_PAGE.test(content)) return undefined;
  // a title of a todo may contain the names of columns
  const [firstLine = ''] = content.split(/[\r\n]/, 1);
  const isList = isMarkdownTodo(firstLine) || TODOTXT_START.test(firstLine);
  return recognizeJson(content) ?? (isList ? undefined : recognizeCsv(content)) ?? recognizeLines(content);
}

/** The bytes of a file in which a line shows that it is JSON Lines of the todo API. */
const FIRST_BYTES = 200_000;

/** Whether one of the first lines is a todo as the todo API exports it. */
export function isJsonLines(bytes: Uint8Array): boolean {
  const start = decodeRoughly(firstLines(bytes)).trimStart();
  return start.startsWith('{') && start.split('\n').some((line) => isExportedTodo(findJson(line)));
}

const LINE_FEED = 0x0a;

/** Whole lines: half a character at the end would make UTF-8 look like another encoding. */
function firstLines(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= FIRST_BYTES) return bytes;
  return bytes.subarray(0, bytes.lastIndexOf(LINE_FEED, FIRST_BYTES) + 1);
}

/** The format shows in the first items, and a file may have millions. */
const FIRST_ITEMS = 100;

function recognizeJson(text: string): FormatName | undefined {
  if (!/^\[?\s*\{/.test(text)) return undefined;
  const json = findJson(text);
  if (json === undefined) return recognizeBrokenJson(text);
  if (GoogleTasksFile.safeParse(json).success) return 'google-tasks';
  if (isMicrosoftTodo(json)) return 'microsoft-todo';
  return isTaskwarriorTask(json) || (Array.isArray(json) && json.slice(0, FIRST_ITEMS).some(isTaskwarriorTask))
    ? 'taskwarrior'
    : undefined;
}

/** The lines of old exports of Taskwarrior are no JSON together. Of a damaged file, the first names of members tell its format. */
function recognizeBrokenJson(text: string): FormatName | undefined {
  const start = text.slice(0, 5000);
  if (start.split('\n').some((line) => isTaskwarriorTask(findTaskwarriorLine(line)))) return 'taskwarrior';
  if (start.includes('"tasks#task')) return 'google-tasks';
  if (start.includes('"@odata.context"') || start.includes('"displayName"')) return 'microsoft-todo';
  return start.includes('"uuid"') && start.includes('"entry"') ? 'taskwarrior' : undefined;
}

function recognizeCsv(text: string): FormatName | undefined {
  if (findTodoistHeader(text)) return 'todoist';
  if (findTicktickHeader(text)) return 'ticktick';
  return findOutlookHeader(text) ? 'outlook-csv' : undefined;
}

/** How a line of todo.txt begins that names its day of creation or completion. */
const TODOTXT_START = /^(?:x )?(?:\([A-Z]\) )?\d{4}-\d\d-\d\d /;

/** Marks of todo.txt: what a line begins with, and what it contains. */
const TODOTXT_LINE = /^(?:x |\([A-Z]\) |\d{4}-\d\d-\d\d )|(?:^|\s)(?:[+@][^\s+@]|due:\S)/;

function recognizeLines(text: string): FormatName | undefined {
  const lines = text.split(/\r\n?|\n/).filter((line) => line.trim() !== '');
  if (lines.some(isMarkdownTodo)) return 'markdown';
  const marked = lines.filter((line) => TODOTXT_LINE.test(line)).length;
  return marked > 0 && marked * 2 >= lines.length ? 'todotxt' : undefined;
}

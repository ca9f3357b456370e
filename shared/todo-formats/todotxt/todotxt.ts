import { parseDay, startOfDay } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import { requireFewTodos } from '../decoding/todo-limit.ts';
import type { ForeignPriority } from '../foreign-todo.ts';
import type { ImportContext } from '../parsed-file.ts';
import { unescapeWords } from '../rules/escape-words.ts';
import { type TagWord, takeTagWords } from '../rules/take-tag-words.ts';
import type { TodoDraft } from '../rules/todo-draft.ts';
import { takeTodotxtKeys } from './todotxt-keys.ts';

const PRIORITY = /^\(([A-Z])\)(?:\s+|$)/;
const DATE = /^(\d{4}-\d\d-\d\d)(?:\s+|$)/;

/** Reads a file of one todo per line. */
export function parseTodotxt(text: string, context: ImportContext): TodoDraft[] {
  const lines = text
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  requireFewTodos(lines.length);
  return lines.map((line) => readLine(line, context.timeZone));
}

function readLine(line: string, zone: string): TodoDraft {
  const completed = /^x\s/.test(line);
  const head = readHead(completed ? line.slice(1).trimStart() : line, completed);
  const keys = takeTodotxtKeys(head.rest, { completed });
  const { text: title, tags } = takeTagWords(keys.text, findTodotxtTag);
  const [completedOn, createdOn] = completed ? head.days : [undefined, head.days[0]];
  return {
    title: unescapeWords(title),
    completed,
    completedAt: completedOn && startOfDay(completedOn, zone),
    createdAt: createdOn && startOfDay(createdOn, zone),
    due: keys.due === undefined ? undefined : { kind: 'day', day: keys.due },
    priority: toPriority(head.letter ?? keys.letter),
    labels: tags,
    notKept: keys.notKept,
  };
}

/** An open todo has a priority, then one day. Programs disagree where a completed one has its priority, before the days or between. */
function readHead(line: string, completed: boolean): { letter: string | undefined; days: string[]; rest: string } {
  const days: string[] = [];
  let letter: string | undefined;
  let rest = line;
  for (;;) {
    const priority = letter === undefined && days.length < (completed ? 2 : 1) ? PRIORITY.exec(rest) : null;
    if (priority) {
      letter = priority[1];
      rest = rest.slice(priority[0].length);
      continue;
    }
    const date = days.length < (completed ? 2 : 1) ? DATE.exec(rest) : null;
    const day = parseDay(date?.[1] ?? '');
    if (date === null || day === undefined) return { letter, days, rest };
    days.push(day);
    rest = rest.slice(date[0].length);
  }
}

function toPriority(letter: string | undefined): ForeignPriority {
  switch (letter) {
    case 'A':
      return 1;
    case 'B':
      return 2;
    case 'C':
      return 3;
    default:
      return LEAST_URGENT_PRIORITY;
  }
}

/** A word that is a project or a context. */
export function findTodotxtTag(word: string): TagWord | undefined {
  return /^[+@]\S/.test(word) ? { tag: word.slice(1), isWhole: true } : undefined;
}

import { escapeWords } from '../rules/escape-words.ts';
import { writeDay, writeDescription, writeDueDay, writeTags, writeTitle } from '../rules/write-fields.ts';
import type { ExportedTodo, WrittenTodo } from '../written-todo.ts';
import { findTodotxtTag } from './todotxt.ts';

/** The letters of the priorities. The least urgent one has none. */
const LETTERS: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'B'],
  [3, 'C'],
]);

/** Writes a todo as one line of todo.txt. Days are those of the zone. */
export function writeTodotxt(todo: ExportedTodo, zone: string): WrittenTodo {
  const title = writeTitle(todo.title);
  const tags = writeTags(todo.tags, canHoldTag);
  const due = writeDueDay(todo, zone);
  const head = writeHead(todo, zone);
  const letter = LETTERS.get(todo.priority);
  const words = [
    ...head.words,
    escapeWords(title.value, isSpecial),
    ...tags.value.map((tag) => `+${tag}`),
    // programs keep no letter before a completed todo
    ...(todo.completed && letter !== undefined ? [`pri:${letter}`] : []),
    ...(due.value === undefined ? [] : [`due:${due.value}`]),
  ];
  const description = writeDescription(todo.description);
  return {
    text: `${words.join(' ')}\n`,
    notKept: [
      ...title.lost,
      ...tags.lost,
      ...due.lost,
      ...head.lost,
      ...(description.value === '' ? description.lost : ['description']),
    ],
  };
}

/** What stands before the text. A completed todo has its day of creation behind that of its completion. */
function writeHead(
  { completed, completed_at, created_at, priority }: ExportedTodo,
  zone: string,
): { words: string[]; lost: string[] } {
  const created = writeDay(created_at, zone, 'time of creation');
  const createdDay = created.value === undefined ? [] : [created.value];
  if (!completed) {
    const letter = LETTERS.get(priority);
    return { words: [...(letter === undefined ? [] : [`(${letter})`]), ...createdDay], lost: [...created.lost] };
  }
  const done = writeDay(completed_at, zone, 'time of completion');
  if (done.value === undefined) return { words: ['x'], lost: [...done.lost, 'time of creation'] };
  return { words: ['x', done.value, ...createdDay], lost: [...done.lost, ...created.lost] };
}

function canHoldTag(tag: string): boolean {
  return /^\S+$/.test(tag);
}

/** Whether a word of a title would be read as something else. */
function isSpecial(word: string, index: number): boolean {
  // a bullet would be an item of a task list, if nothing stands before it
  if (index === 0 && /^(?:x|\([A-Z]\)|\d{4}-\d\d-\d\d|[-*+]|\d{1,9}[.)])$|^>/.test(word)) return true;
  return findTodotxtTag(word) !== undefined || /^(?:due|pri|t|rec|h):./u.test(word);
}

import { escapeWords, MARK } from '../rules/escape-words.ts';
import { writeDay, writeDescription, writeDueDay, writeTags, writeTitle } from '../rules/write-fields.ts';
import type { ExportedTodo, WrittenTodo } from '../written-todo.ts';
import { findMarkdownTag, takeMarkdownSigns } from './markdown-signs.ts';
import { escapeText } from './markdown-text.ts';

/** The signs of the priorities. The least urgent one has none. */
const PRIORITY_SIGNS: ReadonlyMap<number, string> = new Map([
  [1, '🔺'],
  [2, '⏫'],
  [3, '🔼'],
]);

/** Writes a todo as an item of a task list, with the signs of Obsidian Tasks, and its description as indented text. */
export function writeMarkdown(todo: ExportedTodo, zone: string): WrittenTodo {
  const title = writeTitle(todo.title);
  const tags = writeTags(todo.tags, (tag) => isTag(`#${tag}`));
  const created = writeDay(todo.created_at, zone, 'time of creation');
  const completed = writeDay(todo.completed_at, zone, 'time of completion');
  const due = writeDueDay(todo, zone);
  const description = writeDescription(todo.description);
  const words = [
    `- [${todo.completed ? 'x' : ' '}]`,
    escapeTitle(title.value),
    ...tags.value.map((tag) => `#${tag}`),
    PRIORITY_SIGNS.get(todo.priority),
    created.value && `➕ ${created.value}`,
    completed.value && `✅ ${completed.value}`,
    due.value && `📅 ${due.value}`,
  ];
  const lines = description.value === '' ? [] : escapeText(description.value);
  return {
    text: [
      words.filter((word) => word !== undefined).join(' '),
      ...lines.map((line) => (line === '' ? '' : `  ${line}`)),
      '',
    ].join('\n'),
    notKept: [title, tags, created, completed, due, description].flatMap(({ lost }) => lost),
  };
}

/** Signs count at the end of a line, and what stands before the first text from the end is no sign. */
function escapeTitle(title: string): string {
  const escaped = escapeWords(title, (word) => findMarkdownTag(word) !== undefined);
  return takeMarkdownSigns(escaped).text === escaped ? escaped : `${escaped} ${MARK}`;
}

function isTag(word: string): boolean {
  return findMarkdownTag(word)?.isWhole === true;
}

import { startOfDay } from '../../local-time.ts';
import { requireFewTodos } from '../decoding/todo-limit.ts';
import type { ImportContext } from '../parsed-file.ts';
import { unescapeWords } from '../rules/escape-words.ts';
import { takeTagWords } from '../rules/take-tag-words.ts';
import type { TodoDraft } from '../rules/todo-draft.ts';
import { createMarkdownHeadings } from './markdown-headings.ts';
import { type MarkdownLine, readVisibleLines } from './markdown-lines.ts';
import { findMarkdownTag, takeMarkdownSigns } from './markdown-signs.ts';
import { unescapeText } from './markdown-text.ts';

const ITEM = /^(?:[-*+]|\d{1,9}[.)])[ \t]+(.*)$/su;
/** `[a](url)`, `[a][b]` and `[1]: url` are links. */
const CHECKBOX = /^\[(.)\](?![([:])(.*)$/su;

type MarkdownTodo = { readonly draft: TodoDraft; readonly text: string[]; readonly checklist: string[] };
/** An item of a list that may contain what follows. An item without a checkbox belongs to the todo above it. */
type OpenItem = { readonly indent: number; readonly isTodo: boolean; readonly todo: MarkdownTodo | undefined };

/** Whether a line is a todo that every Markdown program knows. */
export function isMarkdownTodo(line: string): boolean {
  return /^[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]\](?:\s|$)/.test(line);
}

/** Reads the task lists of a Markdown file, with the signs of Obsidian. */
export function parseMarkdown(text: string, context: ImportContext): TodoDraft[] {
  const headings = createMarkdownHeadings();
  const todos: MarkdownTodo[] = [];
  let open: OpenItem[] = [];
  let depth = 0;

  for (const line of readVisibleLines(text)) {
    if (line.content === '') {
      open.at(-1)?.todo?.text.push('');
      continue;
    }
    if (line.depth !== depth) open = [];
    depth = line.depth;
    while ((open.at(-1)?.indent ?? -1) >= line.indent) open.pop();
    const item = ITEM.exec(line.content)?.[1];
    if (item === undefined) readText(line);
    else readItem(line, item);
    headings.read(line, { isItem: item !== undefined || open.length > 0 });
  }
  return todos.map(({ draft, text, checklist }) => ({ ...draft, text: unescapeText(joinParagraphs(text)), checklist }));

  function readItem({ indent, depth }: MarkdownLine, item: string): void {
    const parent = open.at(-1)?.todo;
    const [, sign, content = ''] = CHECKBOX.exec(item) ?? [];
    if (sign === undefined) {
      parent?.checklist.push(`- ${item.trim()}`);
      open.push({ indent, isTodo: false, todo: parent });
      return;
    }
    const id = Symbol('todo');
    const draft = {
      ...readTodo(sign, content, context),
      id,
      parentId: parent?.draft.id,
      lists: [headings.find(depth)],
    };
    const todo = { draft, text: [], checklist: [] };
    todos.push(todo);
    requireFewTodos(todos.length);
    open.push({ indent, isTodo: true, todo });
  }

  function readText({ indent, content }: MarkdownLine): void {
    if (indent === 0) open = [];
    const item = open.at(-1);
    if (item?.isTodo) item.todo?.text.push(content);
    else item?.todo?.checklist.push(content);
  }
}

function readTodo(sign: string, content: string, { timeZone }: ImportContext): TodoDraft {
  const { days, ...signs } = takeMarkdownSigns(content);
  const { text: title, tags } = takeTagWords(signs.text, findMarkdownTag);
  const cancelled = sign === '-';
  const completed = sign === 'x' || sign === 'X';
  const completedOn = (cancelled ? days.get('cancelled') : undefined) ?? days.get('completed');
  const createdOn = days.get('created');
  const dueOn = days.get('due');
  return {
    title: unescapeWords(title),
    completed,
    cancelled,
    completedAt: completedOn && startOfDay(completedOn, timeZone),
    createdAt: createdOn && startOfDay(createdOn, timeZone),
    due: dueOn === undefined ? undefined : { kind: 'day', day: dueOn },
    priority: signs.priority,
    labels: [...tags, ...signs.tags],
    notKept: [...signs.notKept, ...(completed || cancelled || sign === ' ' ? [] : ['status'])],
  };
}

/** Several blank lines are one. */
function joinParagraphs(lines: readonly string[]): string {
  return lines.filter((line, index) => line !== '' || lines[index - 1] !== '').join('\n');
}

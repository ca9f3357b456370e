import * as z from 'zod';
import { MAX_DESCRIPTION_CHARACTERS, MAX_TAGS, MAX_TITLE_CHARACTERS } from '../../todo/limits.ts';
import { nonBlankText, text } from '../../todo/text.ts';
import { Priority, Tag } from '../../todo/todo.ts';
import type { ForeignTodo } from '../foreign-todo.ts';
import type { FormatName } from '../import-formats.ts';
import { parseFile } from '../parse-file.ts';
import type { ParsedFile } from '../parsed-file.ts';

const TODAY = '2026-11-28';

export function importText(
  file: string | Uint8Array,
  options: { timeZone?: string; format?: FormatName } = {},
): ParsedFile {
  return parseFile(typeof file === 'string' ? Buffer.from(file) : file, { today: TODAY, ...options });
}

/** The fields that a todo has if its file says nothing about them. */
export function todo(fields: Partial<ForeignTodo>): ForeignTodo {
  const nothing = { description: null, completed: false, completed_at: null, due_on: null, due_at: null, tags: [] };
  return { title: '', priority: 4, ...nothing, ...fields };
}

const Time = z.iso.datetime({ precision: 3 });

/** What the API accepts. */
export const ValidTodo = z
  .strictObject({
    title: nonBlankText(MAX_TITLE_CHARACTERS),
    description: text(MAX_DESCRIPTION_CHARACTERS).min(1).nullable(),
    completed: z.boolean(),
    completed_at: Time.nullable(),
    due_on: z.iso.date().nullable(),
    due_at: Time.nullable(),
    priority: Priority,
    tags: z
      .array(Tag)
      .max(MAX_TAGS)
      .refine((tags) => new Set(tags).size === tags.length, 'different tags'),
    created_at: Time.optional(),
  })
  .refine(({ due_on, due_at }) => due_on === null || due_at === null, 'one due date')
  .refine(
    ({ completed, completed_at }) => completed || completed_at === null,
    'only a completed todo has completed_at',
  );

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyTags, anyText, anyTodo } from '../../api/testing/arbitrary-todo.ts';
import { WRITTEN_FORMATS, type WrittenFormat } from '../../shared/todo-formats/export-formats.ts';
import { createFormatWriter } from '../../shared/todo-formats/format-writer.ts';
import type { ImportFormat } from '../../shared/todo-formats/import-formats.ts';
import type { ExportedTodo } from '../../shared/todo-formats/written-todo.ts';
import { prepareImport } from '../../shared/todo-import/prepare-import.ts';

// What is exported and imported again is as it was, except for what the export has named.

const ZONES = ['UTC', 'America/Los_Angeles', 'Pacific/Kiritimati'] as const;

/** Words that a format takes for signs, tags, keys, fields, items or marks. */
const anySign = fc.constantFrom(
  ...['x', '(A)', '(B)', '2027-01-31', 'due:2027-01-31', 'pri:A', 'rec:1w', 't:2027-01-01', 'h:1', '+home', '@home'],
  ...[
    '#home',
    '#1',
    '#a/b',
    '📅',
    '📅 2027-01-31',
    '✅2027-01-31',
    '⏫',
    '🔺\uFE0F',
    '🔁 every day',
    '⛔ a',
    '🆔',
    '^block',
  ],
  ...[
    '[due:: 2027-01-31]',
    '(priority:: high)',
    '[x]',
    '- [ ] b',
    '- b',
    '* b',
    '1. b',
    '> b',
    '# b',
    '---',
    '```',
    '~~~',
  ],
  ...['\u2060', '\u2060\u2060a', 'a\u2060', '\\', '\\n', '\\,', ';', ':', 'END:VTODO', 'BEGIN:VTODO', '"', ','],
  ...['{"title":"b"}', 'a', 'TYPE', '\u200b', '\u0085', '\u0007'],
);
const anySpace = fc.constantFrom(' ', ' ', '  ', '\n', '\n\n\n', '\n  ', '\t', '\r\n', '\u2028', '\u00a0', '');
const anySigns = fc
  .array(fc.tuple(anySign, anySpace), { minLength: 1, maxLength: 6 })
  .map((pairs) => pairs.flat().join(''))
  .filter((text) => text.trim() !== '');

const anyExported: fc.Arbitrary<ExportedTodo> = fc
  .record({
    todo: anyTodo,
    id: fc.uuid(),
    title: fc.oneof(anySigns, anyText),
    description: fc.oneof(fc.constant(null), anySigns, anyText),
    tags: fc.oneof(
      anyTags,
      fc.uniqueArray(
        anySigns.map((tag) => tag.slice(0, 50).trim().normalize('NFC')).filter((tag) => tag !== ''),
        { maxLength: 3 },
      ),
    ),
    completed_at: fc.constantFrom('2026-11-02T08:00:00.000Z', '2026-11-02T00:00:00.000Z', '0001-01-01T00:00:00.000Z'),
  })
  .map(({ todo, completed_at, ...fields }) => ({
    ...todo,
    ...fields,
    completed_at: todo.completed ? completed_at : null,
    updated_at: todo.created_at,
  }));

/** The fields that the format holds of a todo of which it has named what is lost. */
function heldFields(todo: ExportedTodo, notKept: readonly string[]): Partial<ExportedTodo> {
  const { title, description, completed, completed_at, due_on, due_at, priority, tags, created_at } = todo;
  const lost = new Set(notKept);
  const isExact = !lost.has('fraction of a second');
  return {
    completed,
    priority,
    ...(!lost.has('white space of the title') &&
      !lost.has('control character') &&
      !lost.has('title without a visible character') && { title }),
    ...(!lost.has('description') &&
      !lost.has('white space of the description') &&
      !lost.has('control character') && { description: description || null }),
    ...(!lost.has('tag') && { tags }),
    ...(!lost.has('time of completion') && isExact && { completed_at }),
    ...(!lost.has('time of creation') && isExact && { created_at }),
    ...(!lost.has('time of the due date') && { due_on, ...(isExact && { due_at }) }),
  };
}

function roundTrip(todos: readonly ExportedTodo[], format: WrittenFormat, timeZone: string, given?: ImportFormat) {
  const writer = createFormatWriter(format, timeZone);
  const written = todos.map(writer.write);
  const file = [writer.start, ...written.map(({ text }) => text), writer.end].join('');
  return {
    file,
    written,
    imported: prepareImport(Buffer.from(file), { timeZone, today: '2026-11-28', format: given }),
  };
}

test.each(WRITTEN_FORMATS)('an export as %s is read as it was, except for what it names', (format) => {
  fc.assert(
    fc.property(fc.array(anyExported, { minLength: 1, maxLength: 4 }), fc.constantFrom(...ZONES), (todos, zone) => {
      const { written, imported } = roundTrip(todos, format, zone, format);
      expect(imported.todos).toHaveLength(todos.length);
      for (const [index, todo] of todos.entries())
        expect(imported.todos[index]).toMatchObject(heldFields(todo, written[index]?.notKept ?? []));
      // nothing of a todo is taken for something that yata does not have
      expect(imported.notKept).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test.each(WRITTEN_FORMATS)('an export as %s is recognized, whatever its todos contain', (format) => {
  const anyTitle = fc.oneof(
    anySigns,
    fc.constantFrom('b,TYPE,CONTENT', 'b;Subject;Due Date;Date Completed', '{"a":1}'),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anyExported, anyTitle), { minLength: 1, maxLength: 4 }), (exported) => {
      const todos = exported.map(([todo, title]) => ({ ...todo, title, created_at: '2026-11-01T00:00:00.000Z' }));
      expect(roundTrip(todos, format, 'UTC').imported).toMatchObject({ format, todos: { length: todos.length } });
    }),
    { numRuns: 1000 },
  );
});

test.each(WRITTEN_FORMATS)('an export as %s is recognized', (format) => {
  const todo = {
    id: '0b7c8a52-6f0e-4d3a-9a1c-2f6d1f0f3b11',
    title: 'Paint the fence',
    description: null,
    completed: false,
    completed_at: null,
    due_at: null,
    due_on: null,
    priority: 4,
    tags: [],
    created_at: '2026-11-01T00:00:00.000Z',
    updated_at: '2026-11-01T00:00:00.000Z',
  };
  const { file, imported } = roundTrip([todo], format, 'UTC');
  expect({ file, format: imported.format }).toEqual({ file, format });
});

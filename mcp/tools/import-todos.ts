import * as z from 'zod';
import { toDay } from '../../shared/local-time.ts';
import { TimeZone } from '../../shared/todo/text.ts';
import { IMPORT_FORMATS } from '../../shared/todo-formats/import-formats.ts';
import { importInParts } from '../../shared/todo-import/import-in-parts.ts';
import { prepareImport } from '../../shared/todo-import/prepare-import.ts';
import { quote } from '../../shared/visible-text.ts';
import { defineTool } from './tool.ts';

/** Enough for 10,000 short todos. The server serves no other caller while it reads the content. */
const MAX_CONTENT_CHARACTERS = 500_000;

/** Those of one minute, by the points of the rate limit. A longer import would stop in the middle. */
const MAX_TODOS = 10_000;

const CONTENT = `a text of 1 to ${MAX_CONTENT_CHARACTERS} characters`;

export const importTodos = defineTool({
  name: 'import_todos',
  title: 'Import todos',
  description:
    'Imports a file that another todo program exported. Pass its text unchanged. Todos of an earlier import are skipped. To create todos from your own words, use batch_todos.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  reportsProgress: true,
  example: { content: '- [ ] Buy milk' },
  input: z.strictObject(
    {
      content: z.string(CONTENT).min(1, CONTENT).max(MAX_CONTENT_CHARACTERS, CONTENT).describe('Text of the file'),
      format: z
        .enum(IMPORT_FORMATS, `one of ${IMPORT_FORMATS.join(', ')}`)
        .optional()
        .describe('Default: recognized from content'),
      time_zone: TimeZone.optional().describe('Zone of times without one. Default UTC'),
      dry_run: z.boolean('true or false').optional().describe('Only count'),
    },
    'a JSON object',
  ),
  output: z.object({
    total: z.int(),
    created: z.int().optional(),
    skipped: z.int().optional(),
    dry_run: z.literal(true).optional(),
    format: z.string(),
    time_zone: z.string().optional(),
    not_kept: z.array(z.object({ what: z.string(), count: z.int() })).optional(),
  }),
  async run({ content, format, time_zone = 'UTC', dry_run = false }, { todos: api, signal, reportProgress }) {
    const today = toDay(new Date().toISOString(), time_zone);
    const { todos, notKept, timeZone, ...found } = prepareImport(Buffer.from(content), {
      ...{ format, timeZone: time_zone, today },
      maxTodos: MAX_TODOS,
    });
    const imported = dry_run
      ? { dry_run }
      : await importInParts(todos, {
          send: (part) => api.importTodos(part, { signal }),
          reportProgress: (done, total) => reportProgress?.(done, total, `${done} of ${total} todos`),
        });
    return {
      total: todos.length,
      ...imported,
      format: found.format,
      ...(timeZone !== undefined && { time_zone: timeZone }),
      ...(notKept.length > 0 && { not_kept: [...notKept] }),
    };
  },
  describe({ total, created, skipped, dry_run, format, time_zone, not_kept = [] }) {
    const lost = not_kept.map(({ what, count }) => `${quote(what)} (${count} todos)`);
    return [
      dry_run
        ? `${total} todos found. Nothing was imported, because dry_run is true.`
        : `${total} todos found, ${created} created, ${skipped} skipped because they exist or were deleted.`,
      time_zone === undefined ? `Format ${format}.` : `Format ${format}, time zone ${time_zone}.`,
      ...(lost.length > 0 ? [`Not kept, or only as words: ${lost.join(', ')}.`] : []),
    ].join(' ');
  },
});

import { existsSync } from 'node:fs';
import { Todo } from '../../shared/todo/todo.ts';
import { EXPORT_FORMATS, type ExportFormat } from '../../shared/todo-formats/export-formats.ts';
import { createFormatWriter, type FormatWriter } from '../../shared/todo-formats/format-writer.ts';
import { countNotKept } from '../../shared/todo-formats/rules/not-kept.ts';
import { type CommandContext, type CommandResult, UsageError } from '../command-line/command.ts';
import { readLines } from './read-lines.ts';
import { readZone } from './read-zone.ts';
import { TODO_TEXTS } from './texts.ts';
import { connectTodoApi } from './todo-api.ts';
import { writeNewFile } from './write-new-file.ts';

/** Writes a text. @returns false when nothing more has to be written. */
type Write = (text: string) => Promise<boolean>;

type Exported = { readonly total: number; readonly notKept: ReturnType<ReturnType<typeof countNotKept>['list']> };

/** Exports all todos, to a new file or to stdout. */
export async function exportTodos(
  given: { format: string | undefined; zone: string | undefined; output: string | undefined },
  context: CommandContext,
): Promise<CommandResult | undefined> {
  const format = readFormat(given.format);
  const zone = readZone(given.zone);
  const { output } = given;
  if (output !== undefined && existsSync(output)) throw new UsageError(TODO_TEXTS.fileExists());

  const writer = format === 'jsonl' ? undefined : createFormatWriter(format, zone);
  const api = await connectTodoApi(context.environment, context.notify);
  const lines = readLines(await api.exportTodos());
  const produce = (write: Write) => (writer === undefined ? copyLines(lines, write) : writeTodos(lines, writer, write));
  const exported = await (output === undefined ? produce(context.writeData) : writeNewFile(output, produce));
  // a program such as `head` has read enough, or the output cannot be written
  if (exported === undefined) return undefined;

  const { total, notKept } = exported;
  const file = output === undefined ? {} : { file: output };
  const usedZone = writer?.zone === undefined ? {} : { time_zone: writer.zone };
  return {
    json: { format, ...usedZone, subject: api.subject, total, not_kept: notKept, ...file },
    text: [
      TODO_TEXTS.exported(total, api.subject, format, writer?.zone),
      ...(notKept.length === 0 ? [] : [TODO_TEXTS.notExportedParts(notKept)]),
    ].join('\n'),
    ...(output === undefined && { output: 'stderr' }),
  };
}

function readFormat(name: string | undefined): ExportFormat {
  const format = EXPORT_FORMATS.find((format) => format === (name ?? 'jsonl'));
  if (format === undefined) throw new UsageError(`--format: expected one of ${EXPORT_FORMATS.join(', ')}`);
  return format;
}

/** Copies the lines while they arrive. @returns undefined when the reader has ended. */
async function copyLines(batches: AsyncIterable<string[]>, write: Write): Promise<Exported | undefined> {
  let total = 0;
  for await (const lines of batches) {
    if (!(await write(lines.map((line) => `${line}\n`).join('')))) return undefined;
    total += lines.length;
  }
  return { total, notKept: [] };
}

/**
 * Writes the todos in the order of the list, which is not that of the export: so all of them are in memory first. The quota
 * limits how many there are.
 */
async function writeTodos(
  batches: AsyncIterable<string[]>,
  writer: FormatWriter,
  write: Write,
): Promise<Exported | undefined> {
  const written: { readonly position: number; readonly text: string }[] = [];
  const notKept = countNotKept();
  for await (const lines of batches) {
    for (const line of lines) {
      const todo = Todo.parse(JSON.parse(line));
      const { text, notKept: lost } = writer.write(todo);
      written.push({ position: todo.position, text });
      notKept.add(lost);
    }
  }
  written.sort((a, b) => a.position - b.position);
  const texts = [writer.start, ...written.map(({ text }) => text), writer.end];
  for (let start = 0; start < texts.length; start += TEXTS_PER_WRITE)
    if (!(await write(texts.slice(start, start + TEXTS_PER_WRITE).join('')))) return undefined;
  return { total: written.length, notKept: notKept.list() };
}

const TEXTS_PER_WRITE = 200;

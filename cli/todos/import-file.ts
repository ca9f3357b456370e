import { closeSync, openSync } from 'node:fs';
import { toDay } from '../../shared/local-time.ts';
import { IMPORT_FORMATS, type ImportFormat } from '../../shared/todo-formats/import-formats.ts';
import { MAX_JSON_LINES_BYTES } from '../../shared/todo-formats/jsonl/jsonl.ts';
import { ImportInterruptedError, importInParts } from '../../shared/todo-import/import-in-parts.ts';
import { type PreparedImport, prepareImport } from '../../shared/todo-import/prepare-import.ts';
import { type CommandContext, type CommandResult, UsageError } from '../command-line/command.ts';
import { describeSystemError } from '../command-line/describe-system-error.ts';
import { readAtMost } from '../command-line/read-at-most.ts';
import { readZone } from './read-zone.ts';
import { TODO_TEXTS } from './texts.ts';
import { connectTodoApi, isTemporary, type TodoApi } from './todo-api.ts';

/** The todos that a dry run shows. */
const PREVIEWED_TODOS = 10;

/** Imports the todos of a file, or says what would be imported. */
export async function importFile(
  {
    file,
    zone: zoneName,
    format,
    dryRun,
  }: {
    file: string;
    zone: string | undefined;
    format: string | undefined;
    dryRun: boolean;
  },
  context: CommandContext,
): Promise<CommandResult> {
  const timeZone = readZone(zoneName);
  const today = toDay(new Date().toISOString(), timeZone);
  const options = { timeZone, today, format: readFormat(format) };
  const prepared = prepareImport(readBytes(file, context), options);
  if (dryRun) return describeDryRun(prepared);
  const api = await connectTodoApi(context.environment, context.notify);
  const counts = await send(prepared, api, context);
  return {
    json: { ...toJson(prepared), subject: api.subject, ...counts },
    text: [
      TODO_TEXTS.read(prepared),
      TODO_TEXTS.imported(counts, api.subject),
      ...(counts.skipped > 0 ? [TODO_TEXTS.skipped()] : []),
      ...describeNotKept(prepared),
    ].join('\n'),
  };
}

function readFormat(name: string | undefined): ImportFormat | undefined {
  const format = IMPORT_FORMATS.find((format) => format === name);
  if (name !== undefined && format === undefined)
    throw new UsageError(`--format: expected one of ${IMPORT_FORMATS.join(', ')}`);
  return format;
}

function readBytes(file: string, { readStdinBytes }: CommandContext): Uint8Array {
  if (file !== '-') {
    try {
      return readFile(file);
    } catch (error) {
      throw new UsageError(TODO_TEXTS.unreadable(describeSystemError(error)));
    }
  }
  const bytes = readStdinBytes(MAX_JSON_LINES_BYTES);
  if (bytes.length === 0) throw new UsageError(TODO_TEXTS.emptyStdin());
  return bytes;
}

function readFile(path: string): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    return readAtMost(descriptor, MAX_JSON_LINES_BYTES);
  } finally {
    closeSync(descriptor);
  }
}

async function send({ todos }: PreparedImport, api: TodoApi, { showProgress }: CommandContext) {
  try {
    return await importInParts(todos, {
      send: api.importTodos,
      reportProgress: showProgress && ((done, total) => showProgress(TODO_TEXTS.progress(done, total))),
    });
  } catch (error) {
    if (!(error instanceof ImportInterruptedError)) throw error;
    const { created, skipped } = error.counts;
    const next = isTemporary(error.cause) ? 'repeat' : 'solve';
    throw new Error(TODO_TEXTS.interrupted(created + skipped, error.total, next), { cause: error.cause });
  } finally {
    showProgress?.('');
  }
}

function describeDryRun(prepared: PreparedImport): CommandResult {
  const { todos } = prepared;
  const shown = todos.slice(0, PREVIEWED_TODOS);
  return {
    json: { ...toJson(prepared), dry_run: true, todos },
    text: [
      TODO_TEXTS.read(prepared),
      TODO_TEXTS.notImported(),
      ...(shown.length === 0 ? [] : [TODO_TEXTS.preview(shown, todos.length - shown.length)]),
      ...describeNotKept(prepared),
    ].join('\n'),
  };
}

function toJson({ format, timeZone, todos, notKept }: PreparedImport) {
  return { format, ...(timeZone !== undefined && { time_zone: timeZone }), total: todos.length, not_kept: notKept };
}

function describeNotKept({ notKept }: PreparedImport): string[] {
  return notKept.length === 0 ? [] : [TODO_TEXTS.notImportedParts(notKept)];
}

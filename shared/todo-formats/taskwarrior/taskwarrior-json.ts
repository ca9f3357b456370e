import * as z from 'zod';
import { findJson } from '../../find-json.ts';
import { requireFewTodos } from '../decoding/todo-limit.ts';
import { UnreadableFileError } from '../file-errors.ts';

/** What tells a task of Taskwarrior from other JSON. */
const TaskMarks = z.object({
  uuid: z.string(),
  entry: z.union([z.string(), z.number()]),
  description: z.string(),
  status: z.string(),
});

export function isTaskwarriorTask(json: unknown): boolean {
  return TaskMarks.safeParse(json).success;
}

/** Reads a JSON array, or one object per line, which old versions separate by commas. */
export function readTaskwarriorTasks(text: string): object[] {
  const whole = findJson(text);
  const items: unknown[] | undefined = Array.isArray(whole) ? whole : whole === undefined ? undefined : [whole];
  const tasks = items?.map((json, index) => ({ json, where: `Task ${index + 1}` })) ?? readLines(text);
  requireFewTodos(tasks.length);
  return tasks.map(({ json, where }) => {
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
    throw new UnreadableFileError(`${where}: expected a JSON object. Run \`task export\` again`);
  });
}

export function findTaskwarriorLine(line: string): unknown {
  return findJson(trimLine(line));
}

function readLines(text: string): { json: unknown; where: string }[] {
  const lines = text.split('\n').map((line, index) => ({ content: trimLine(line), where: `Line ${index + 1}` }));
  return lines
    .filter(({ content }) => content !== '')
    .map(({ content, where }) => {
      const json = findJson(content);
      if (json !== undefined) return { json, where };
      throw new UnreadableFileError(
        `${where}: expected one task as JSON. Old versions of Taskwarrior write invalid JSON: correct the line, or export with version 2.6 or newer`,
      );
    });
}

/** The brackets of the array may stand on lines of their own, or beside a task. */
function trimLine(line: string): string {
  return line.trim().replace(/^\[/, '').replace(/\]$/, '').trim().replace(/,$/, '');
}

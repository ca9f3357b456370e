import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { FEATURES } from '../../mcp/features.ts';
import { defineTool } from '../../mcp/tools/tool.ts';
import { findOversizedTools, LARGER_TOOLS, MAX_TOOL_BYTES, measureTool } from '../support/tool-budget.ts';
import { testToolCalls, testToolListings } from '../support/tool-suites.ts';

/** A tool that is in no list of yata. The suites must test it without a change. */
const countTodos = defineTool({
  name: 'count_todos',
  title: 'Count todos',
  description: 'Counts the todos that are open or completed. To read them, use list_todos.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  example: { completed: false },
  input: z.strictObject({ completed: z.boolean('true or false').optional() }, 'a JSON object'),
  output: z.object({ total: z.int() }),
  async run({ completed }, { todos, signal }) {
    const filter: Record<string, string> = completed === undefined ? {} : { completed: String(completed) };
    const { total } = await todos.list({ ...filter, count: 'true', limit: '1' }, { signal });
    return { total: total ?? 0 };
  },
  describe: ({ total }) => `${total} todos`,
});

describe.each([
  ['the tools of yata', FEATURES],
  ['the tools of yata and one in memory', { ...FEATURES, tools: [...FEATURES.tools, countTodos] }],
])('%s', (_name, features) => {
  testToolListings(features.tools);
  testToolCalls(features);
});

test('the budget report names the largest tool first', () => {
  const large = { ...countTodos, name: 'count_more', description: 'x'.repeat(2 * MAX_TOOL_BYTES) };
  const larger = { ...large, name: 'count_most', description: 'x'.repeat(3 * MAX_TOOL_BYTES) };
  const report = (tool: typeof large) =>
    `${tool.name} has ${measureTool(tool)} bytes, ${measureTool(tool) - MAX_TOOL_BYTES} more than its ${MAX_TOOL_BYTES}`;
  expect(findOversizedTools([countTodos, large, larger])).toEqual([report(larger), report(large)]);
});

test('a tool is in the table of larger tools only when it needs the bytes', () => {
  const sizes = new Map(FEATURES.tools.map((tool) => [tool.name, measureTool(tool)]));
  for (const name of Object.keys(LARGER_TOOLS)) expect(sizes.get(name), name).toBeGreaterThan(MAX_TOOL_BYTES);
});

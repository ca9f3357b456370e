import type { ExportedTodo } from '../written-todo.ts';

/** A todo as the todo API exports it, without times of day, which some formats cannot hold. */
export function exportedTodo(fields: Partial<ExportedTodo>): ExportedTodo {
  return {
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
    updated_at: '2026-11-02T10:11:12.345Z',
    ...fields,
  };
}

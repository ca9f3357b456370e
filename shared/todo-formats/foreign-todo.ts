import type { LEAST_URGENT_PRIORITY } from '../todo/limits.ts';

export type ForeignPriority = 1 | 2 | 3 | typeof LEAST_URGENT_PRIORITY;

/** A todo of another program, with the fields of the API. Times are UTC with milliseconds. It never has both `due_on` and `due_at`. */
export type ForeignTodo = {
  /** The UUID that the todo has in the other program. */
  readonly id?: string;
  readonly title: string;
  readonly description: string | null;
  readonly completed: boolean;
  readonly completed_at: string | null;
  /** A day, such as 2027-01-31. */
  readonly due_on: string | null;
  readonly due_at: string | null;
  readonly priority: ForeignPriority;
  readonly tags: readonly string[];
  readonly created_at?: string;
};

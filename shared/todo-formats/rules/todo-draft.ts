import type { DayOrTime } from '../../local-time.ts';
import type { ForeignPriority } from '../foreign-todo.ts';

/** What a row of a file says, before the rules that all formats share make a todo of it. */
export type TodoDraft = {
  /** Why it is not imported, as a name of what is not kept. */
  readonly dropped?: string | undefined;
  /** What the `parentId` of another draft equals, if this one is its parent. */
  readonly id?: unknown;
  readonly parentId?: unknown;
  /** The id that programs agree on. It is kept if it is a UUID. */
  readonly uid?: string | undefined;

  /** Without the tags at its start and its end. */
  readonly title: string;
  readonly text?: string | undefined;
  /** A due date that is no date. */
  readonly dueWords?: string | undefined;
  /** Lines such as `- [ ] Milk`. */
  readonly checklist?: readonly string[];
  readonly comments?: readonly TodoComment[];
  readonly location?: string | undefined;
  readonly links?: readonly string[];

  readonly completed?: boolean;
  /** Given up: it becomes a completed todo with a tag. */
  readonly cancelled?: boolean;
  readonly completedAt?: string | undefined;
  readonly createdAt?: string | undefined;
  readonly due?: DayOrTime | undefined;
  /** It is not kept, and it is not counted if it equals `due`. */
  readonly start?: DayOrTime | undefined;
  readonly priority?: ForeignPriority;
  /** Labels, categories and contexts. */
  readonly labels?: readonly string[];
  /** The list, project, folder, section, column or heading. */
  readonly lists?: readonly string[];
  /** Names of what is not kept. */
  readonly notKept?: readonly string[];
};

export type TodoComment = { readonly day?: string | undefined; readonly text: string };

/** A line of a checklist, as the description shows it. */
export function toChecklistLine(item: { readonly text: string; readonly checked: boolean }): string {
  return `- [${item.checked ? 'x' : ' '}] ${item.text}`;
}

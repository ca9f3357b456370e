import { ZERO_DATE } from './zero-dates.ts';

/** A value as the file has it, and the name of what is not kept if it says nothing. */
type WrittenValue = { readonly what: string; readonly text: string | undefined; readonly isRead: boolean };

/** Names the values that are in the file and cannot be read. A date that means none is no value. */
export function listUnreadable(...values: readonly WrittenValue[]): string[] {
  return values
    .filter(({ text = '', isRead }) => !isRead && text.trim() !== '' && !ZERO_DATE.test(text.trim()))
    .map(({ what }) => what);
}

/** When a todo was completed and created: the texts of the file, and what was read. */
export function listUnreadableTimes(
  texts: { readonly completed?: string | undefined; readonly created?: string | undefined },
  { completedAt, createdAt }: { readonly completedAt: string | undefined; readonly createdAt: string | undefined },
): string[] {
  return listUnreadable(
    { what: 'completion time', text: texts.completed, isRead: completedAt !== undefined },
    { what: 'creation time', text: texts.created, isRead: createdAt !== undefined },
  );
}

import { addDays, startOfDayMilliseconds, toDay } from '../../shared/local-time.ts';
import { describeSection } from '../todos/describe-todo.ts';
import { createMessages } from './create-messages.ts';
import type { Prompt } from './prompt.ts';
import { timeZoneArgument } from './time-zone-argument.ts';

export const weeklyReview: Prompt = {
  name: 'weekly_review',
  title: 'Weekly review',
  description: 'Reviews the todos completed in the last seven days and the open todos',
  scope: 'todos:read',
  arguments: [timeZoneArgument],
  async get({ time_zone: timeZone = 'UTC' }, { todos, signal }) {
    const today = toDay(new Date().toISOString(), timeZone);
    const since = new Date(startOfDayMilliseconds(addDays(today, -7), timeZone)).toISOString();
    // the next seven days are whole days after today
    const until = addDays(today, 8);
    const [changed, open, due] = await Promise.all([
      todos.list({ completed: 'true', sort: '-updated_at', limit: '100' }, { signal }),
      todos.list({ completed: 'false', limit: '50', count: 'true' }, { signal }),
      todos.list(
        { completed: 'false', due_before: until, time_zone: timeZone, sort: 'due_at', limit: '50' },
        { signal },
      ),
    ]);
    const completed = changed.todos.filter(({ completed_at }) => completed_at !== null && completed_at >= since);
    // completing a todo changes it: when the last todo of the page changed before `since`, no completed todo is missing
    const lastChange = changed.todos.at(-1)?.updated_at ?? '';
    const completedTruncated = changed.nextCursor !== undefined && lastChange >= since;
    const request = [
      `Do my weekly review of the seven days up to ${today} (${timeZone}).`,
      'Say in a few sentences what I completed. Then go through the open todos: which are no longer needed and could be deleted, which need a due date, which are too large and should be split. Ask me before you change a todo.',
    ];
    const sections = [
      describeSection(
        completedTruncated
          ? `Completed in the last seven days (found among the last ${changed.todos.length} changed todos; list_todos returns the others)`
          : 'Completed in the last seven days',
        completed,
      ),
      describeSection(
        due.nextCursor === undefined
          ? 'Overdue, or due in the next seven days'
          : `Overdue, or due in the next seven days (the first ${due.todos.length}; list_todos returns the others)`,
        due.todos,
      ),
      describeSection(`Open (the oldest ${open.todos.length} of ${open.total ?? open.todos.length})`, open.todos),
    ];
    return createMessages('weekly_review', request, sections);
  },
};

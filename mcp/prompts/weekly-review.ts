import { describeList } from '../tools/shown-todo.ts';
import type { Prompt } from './prompt.ts';

const DAY = 86_400_000;

export const weeklyReview: Prompt = {
  name: 'weekly_review',
  title: 'Weekly review',
  description: 'Looks back at what was done in the last seven days, and ahead at what is open',
  scope: 'todos:read',
  arguments: [],
  async get(_args, { todos, signal }) {
    const now = Date.now();
    const since = new Date(now - 7 * DAY).toISOString();
    const [done, open, due] = await Promise.all([
      todos.list({ completed: 'true', sort: '-updated_at', limit: '100' }, { signal }),
      todos.list({ completed: 'false', limit: '50', count: 'true' }, { signal }),
      todos.list(
        { completed: 'false', due_before: new Date(now + 7 * DAY).toISOString(), sort: 'due_at', limit: '50' },
        { signal },
      ),
    ]);
    const rest = (isCut: boolean, what: string) => (isCut ? `, ${what}; list_todos has the rest` : '');
    // what was done lately was changed lately: where the last one is older, nothing is missing
    const doneIsCut = done.nextCursor !== undefined && (done.todos.at(-1)?.updated_at ?? '') >= since;
    const lately = done.todos.filter(({ completed_at }) => completed_at !== null && completed_at >= since);
    const text = [
      `Do my weekly review of the seven days up to ${new Date(now).toISOString().slice(0, 10)} (UTC).`,
      'Say in a few sentences what I got done. Then go through what is open: what is stale and could be deleted, what needs a date, what is too large and should be split. Ask me before you change a todo.',
      describeList(
        `Done in the last seven days${rest(doneIsCut, `of the last ${done.todos.length} that changed`)}`,
        lately,
      ),
      describeList(
        `Overdue, or due in the next seven days${rest(due.nextCursor !== undefined, `the first ${due.todos.length}`)}`,
        due.todos,
      ),
      describeList(`Open, the oldest ${open.todos.length} of ${open.total ?? open.todos.length}`, open.todos),
    ].join('\n\n');
    return [{ role: 'user', content: { type: 'text', text } }];
  },
};

import { findDue } from '../resources/today-resource.ts';
import { describeList } from '../tools/shown-todo.ts';
import type { Prompt } from './prompt.ts';

/** Todos without a due date that are told at the most. */
const OTHERS = 20;

export const planMyDay: Prompt = {
  name: 'plan_my_day',
  title: 'Plan my day',
  description: 'Makes a plan for today of what is overdue, due today, and most urgent',
  scope: 'todos:read',
  arguments: [{ name: 'hours', description: 'Hours there are for it, such as 6', required: false }],
  async get({ hours }, { todos, signal }) {
    const { date, overdue, dueToday, more } = await findDue(todos, signal);
    const urgent = await todos.list({ completed: 'false', sort: 'priority', limit: '100' }, { signal });
    const told = new Set([...overdue, ...dueToday].map(({ id }) => id));
    const others = urgent.todos.filter(({ id }) => !told.has(id)).slice(0, OTHERS);
    const text = [
      `Plan my day, ${date} (UTC)${hours === undefined ? '' : `, for which I have ${hours} hours`}.`,
      'Choose what I can do today, in an order, with a reason in a few words for each; what is overdue comes first or gets a new date. Ask me before you change a todo.',
      describeList('Overdue', overdue),
      describeList('Due today', dueToday),
      ...(more ? ['These are the first 100 that are overdue, and due today; list_todos has the rest.'] : []),
      describeList('Most urgent of the rest', others),
    ].join('\n\n');
    return [{ role: 'user', content: { type: 'text', text } }];
  },
  complete: (argument, value) =>
    argument === 'hours' ? ['2', '4', '6', '8'].filter((hours) => hours.startsWith(value)) : [],
};

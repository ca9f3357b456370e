import { describeSection } from '../todos/describe-todo.ts';
import { findDueTodos, MAX_DUE_TODOS } from '../todos/due-todos.ts';
import { createMessages } from './create-messages.ts';
import type { Prompt } from './prompt.ts';
import { timeZoneArgument } from './time-zone-argument.ts';

/** The most todos without a due date, or with a later one, that the prompt lists. */
const MAX_OTHERS = 20;

export const planMyDay: Prompt = {
  name: 'plan_my_day',
  title: 'Plan my day',
  description: 'Plans today from the todos that are overdue, due today, or most urgent',
  scope: 'todos:read',
  arguments: [
    {
      name: 'hours',
      description: 'Hours available today, such as 6',
      required: false,
      complete: (value) => ['2', '4', '6', '8'].filter((hours) => hours.startsWith(value)),
    },
    timeZoneArgument,
  ],
  async get({ hours, time_zone: timeZone = 'UTC' }, { todos, signal }) {
    const { date, overdue, dueToday, truncated } = await findDueTodos(todos, { signal, timeZone });
    // the most urgent todos may all be due ones, which are left out here
    const urgent = await todos.list({ completed: 'false', sort: 'priority', limit: '100' }, { signal });
    const due = new Set([...overdue, ...dueToday].map(({ id }) => id));
    const others = urgent.todos.filter(({ id }) => !due.has(id)).slice(0, MAX_OTHERS);
    const request = [
      `Plan my day, ${date} (${timeZone}).${hours === undefined ? '' : ` I have ${hours} hours.`}`,
      'Choose what I can do today and put it in order. Give a reason in a few words for each todo. Put overdue todos first or suggest a new date for them. Ask me before you change a todo.',
    ];
    const sections = [
      describeSection('Overdue', overdue),
      describeSection('Due today', dueToday),
      ...(truncated
        ? [`The lists above have at most ${MAX_DUE_TODOS} todos each. list_todos returns the others.`]
        : []),
      describeSection('Most urgent other todos', others),
    ];
    return createMessages('plan_my_day', request, sections);
  },
};

import { Version } from '../../shared/todo/todo.ts';

/** The version that a todo must be of for a change to be made. */
export const ExpectedVersion = Version.describe('Refuse unless the todo is of this version');

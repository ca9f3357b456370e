import { LEAST_URGENT_PRIORITY } from '../../shared/todo/limits.ts';
import { quote } from '../../shared/visible-text.ts';

/**
 * Lists the values of a structured result that its text does not state. Hosts show a model the one or the other, so both
 * must say the same.
 */
export function findUnstatedValues(value: unknown, text: string, name = ''): string[] {
  if (value === null || value === undefined) return [];
  if (name === 'priority' && value === LEAST_URGENT_PRIORITY) return [];
  if (name === 'total' && value === 0) return /^(No|0) /.test(text) ? [] : [name];
  if (name === 'completed') return text.includes(value === true ? '[x]' : '[ ]') ? [] : [name];
  if (typeof value === 'object')
    return Object.entries(value).flatMap(([key, member]) =>
      findUnstatedValues(member, text, Array.isArray(value) ? name : key),
    );
  // a text of a todo is quoted on one line
  const stated = typeof value === 'string' ? quote(value).slice(1, -1) : String(value);
  return text.includes(stated) ? [] : [`${name}: ${value}`];
}

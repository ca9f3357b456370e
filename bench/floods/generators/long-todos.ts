import { randomBytes } from 'node:crypto';
import { MAX_BATCH_OPERATIONS, MAX_DESCRIPTION_CHARACTERS } from '../../../shared/todo/limits.ts';
import type { FloodTarget } from '../flood.ts';

const PAGE = 200;

/** Creates as many todos with the longest description as a page has. @throws when api rejects them. */
export async function createLongTodos({ apiResource, apiToken }: FloodTarget): Promise<void> {
  for (let created = 0; created < PAGE; created += MAX_BATCH_OPERATIONS) {
    const response = await fetch(`${apiResource}/todos/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
      body: longBatch(),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`cannot create long todos: api responded with ${response.status}`);
  }
}

/** Returns a batch that creates as many long todos as a batch may. */
export function longBatch(): string {
  const operations = Array.from({ length: MAX_BATCH_OPERATIONS }, () => ({ op: 'create', todo: longTodo() }));
  return JSON.stringify({ operations });
}

/** Returns `todos` long todos as JSON Lines. */
export function longLines(todos: number): string {
  return Array.from({ length: todos }, () => `${JSON.stringify(longTodo())}\n`).join('');
}

/** A todo with words that no other has, so that an index of words grows with each. */
function longTodo() {
  const words = randomBytes(MAX_DESCRIPTION_CHARACTERS / 2)
    .toString('hex')
    .replace(/.{9}/g, '$& ');
  return { title: 'long', description: words.slice(0, MAX_DESCRIPTION_CHARACTERS) };
}

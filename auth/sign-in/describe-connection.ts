import type { ConnectionRow } from '../connections/connection.entity.ts';

/** A connection in a sentence: the name of the client and the day. */
export function quoteConnection({ clientName, createdAt }: ConnectionRow): string {
  return `“${clientName}” since ${createdAt.toISOString().slice(0, 10)}`;
}

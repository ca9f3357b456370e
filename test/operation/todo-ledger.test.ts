import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createTodoLedger } from '../support/todo-ledger.ts';

test('a ledger finds lost writes, gaps of the feed, and todos that the feed lacks', () => {
  const ids = Array.from({ length: 6 }, () => randomUUID()).sort();
  const [kept = '', lost = '', oldVersion = '', undeleted = '', skipped = '', unknown = ''] = ids;
  const ledger = createTodoLedger('ada');
  for (const id of [kept, lost, oldVersion, undeleted]) ledger.acknowledge({ id, version: 1 });
  ledger.acknowledge({ id: oldVersion, version: 2 });
  ledger.acknowledgeDelete(undeleted);
  const changed = (id: string, version: number) => ({
    ...({ change: 'updated', id, version, at: '2026-01-01T00:00:00.000Z', todo: null } as const),
  });
  ledger.follow([
    changed(kept, 1),
    changed(oldVersion, 1),
    changed(undeleted, 1),
    changed(skipped, 1),
    changed(skipped, 3),
  ]);
  const stored = new Map([
    ...[kept, oldVersion, undeleted, unknown].map((id) => [id, 1] as const),
    [skipped, 3] as const,
  ]);

  expect(ledger.check(stored)).toEqual({
    lost: [
      `ada: version 1 of ${lost}, the feed ends at 0`,
      `ada: version 2 of ${oldVersion}, the feed ends at 1`,
      `ada: the delete of ${undeleted}`,
    ],
    feedProblems: [`ada: version 3 of ${skipped} follows 1 in the feed`, `ada: the feed lacks ${unknown}`],
    acknowledged: 6,
  });
});

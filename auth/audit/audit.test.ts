import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { BY_ITSELF, deleteOldAuditEvents, insertAuditEvent, listAuditEvents } from './audit.ts';

test('audit events are deleted after the given number of days', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  for (const days of [0, 1, 2, 3]) {
    await insertAuditEvent(orm.em.fork(), { ...BY_ITSELF, action: `days-${days}`, target: null, outcome: 'success' });
    await orm.em.execute(
      `update auth.audit_event set at = now() - interval '${days} days 1 minute' where action = 'days-${days}'`,
    );
  }
  await deleteOldAuditEvents(orm.em, 2);
  const events = await listAuditEvents(orm.em, { limit: 10 });
  expect(events.map(({ action }) => action)).toEqual(['days-1', 'days-0']);
});

import type { TriggerDef } from '@mikro-orm/core';

/** The channel that PostgreSQL notifies when a status list is created or a token is revoked (NOTIFY). */
export const STATUS_CHANGES_CHANNEL = 'auth_status_changes';

/** Defines the trigger that notifies the channel after each insert into a table. */
export function notifyStatusChanges(name: string): TriggerDef {
  return {
    name,
    timing: 'after',
    events: ['insert'],
    forEach: 'statement',
    body: `perform pg_notify('${STATUS_CHANGES_CHANNEL}', ''); return null`,
  };
}

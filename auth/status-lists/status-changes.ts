import type { TriggerDef } from '@mikro-orm/core';

/**
 * The channel that PostgreSQL notifies when a status list is created, a token is revoked or a signing key changes
 * (NOTIFY).
 */
export const STATUS_CHANGES_CHANNEL = 'auth_status_changes';

/** Defines the trigger that notifies the channel after each statement that changes a table. */
export function notifyStatusChanges(name: string, events: TriggerDef['events'] = ['insert']): TriggerDef {
  return {
    name,
    timing: 'after',
    events,
    forEach: 'statement',
    body: `perform pg_notify('${STATUS_CHANGES_CHANNEL}', ''); return null`,
  };
}

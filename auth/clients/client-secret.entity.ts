import { defineEntity, p } from '@mikro-orm/core';
import { CLIENT_CHANGES } from './client.entity.ts';

/** One of the secrets of a client: while they overlap, each of them is good. */
export const ClientSecretEntity = defineEntity({
  name: 'ClientSecret',
  tableName: 'client_secret',
  properties: {
    /** SHA-256 of the secret. */
    hash: p.string().primary(),
    clientId: p.string().index(),
    /** When it stops being good; null: never. */
    expiresAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
    /** Written now and then, not at each use. */
    lastUsedAt: p.datetime().nullable(),
  },
  triggers: [
    {
      name: 'client_secret_changes',
      timing: 'after',
      events: ['insert', 'delete'],
      body: `perform pg_notify('${CLIENT_CHANGES}', coalesce(new.client_id, old.client_id)); return null`,
    },
    {
      // not for a new last_used_at, which nobody keeps in memory
      name: 'client_secret_expiry_changes',
      timing: 'after',
      events: ['update'],
      // spelled as PostgreSQL gives it back, or every look at the schema finds a difference
      when: '(old.expires_at IS DISTINCT FROM new.expires_at)',
      body: `perform pg_notify('${CLIENT_CHANGES}', new.client_id); return null`,
    },
  ],
});

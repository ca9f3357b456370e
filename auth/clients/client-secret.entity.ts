import { defineEntity, p } from '@mikro-orm/core';
import { CLIENT_CHANGES_CHANNEL } from './client.entity.ts';

/** A secret of a client. After a rotation a client can have several secrets that are valid at the same time. */
export const ClientSecretEntity = defineEntity({
  name: 'ClientSecret',
  tableName: 'client_secret',
  properties: {
    /** SHA-256 of the secret. */
    hash: p.string().primary(),
    clientId: p.string().index(),
    /** When the secret stops being valid; null means never. */
    expiresAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
    /** Written about once a minute, not at each use. */
    lastUsedAt: p.datetime().nullable(),
  },
  triggers: [
    {
      name: 'client_secret_changes',
      timing: 'after',
      events: ['insert', 'delete'],
      body: `perform pg_notify('${CLIENT_CHANGES_CHANNEL}', coalesce(new.client_id, old.client_id)); return null`,
    },
    {
      // not for a new last_used_at, which no process caches
      name: 'client_secret_expiry_changes',
      timing: 'after',
      events: ['update'],
      // spelled as PostgreSQL returns it; otherwise each comparison with the database would find a difference
      when: '(old.expires_at IS DISTINCT FROM new.expires_at)',
      body: `perform pg_notify('${CLIENT_CHANGES_CHANNEL}', new.client_id); return null`,
    },
  ],
});

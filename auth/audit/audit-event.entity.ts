import { defineEntity, p } from '@mikro-orm/core';

/** Something that somebody did to a client, a token or a key, or tried to. */
export const AuditEventEntity = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_event',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    at: p.datetime().defaultRaw('now()').index(),
    /** The client that did it, as it proved or as it claimed to be; null when it said nothing. */
    actor: p.text().nullable(),
    /** What was done, in dotted words: `client.disable`. */
    action: p.string(),
    /** To which client, token (`jti`) or key (`kid`). */
    target: p.text().nullable(),
    /** The address that the request came from. */
    address: p.string().nullable(),
    requestId: p.string().nullable(),
    outcome: p.enum(['success', 'refused']),
    /** What else is worth knowing: never a token, never a secret. */
    detail: p.json<Record<string, unknown>>(),
  },
});

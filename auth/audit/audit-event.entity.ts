import { defineEntity, p } from '@mikro-orm/core';

/** An action on a client, a token or a key, carried out or rejected. */
export const AuditEventEntity = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_event',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    at: p.datetime().defaultRaw('now()').index(),
    /**
     * The id of the client or account that acted. After a failed authentication it is the id that the request claimed; null
     * for none.
     */
    actor: p.text().nullable(),
    /** The action, in words separated by a dot: `client.disable`. */
    action: p.string(),
    /** The client, account, connection, token (`jti`) or key (`kid`) that the action concerns. */
    target: p.text().nullable(),
    /** The account that the event concerns, whose person sees it. */
    accountId: p.string().nullable().index(),
    /** The address that the request came from. */
    address: p.string().nullable(),
    requestId: p.string().nullable(),
    outcome: p.enum(['success', 'refused']),
    /** Further facts about the action, never a token or a secret. */
    detail: p.json<Record<string, unknown>>(),
  },
});

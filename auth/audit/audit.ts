import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { AuditEventEntity } from './audit-event.entity.ts';

/**
 * Where an event comes from. `actor` is the id of the client or account that acts, `address` and `requestId` are those of
 * its request. `accountId` is the account that the event concerns, whose person sees it.
 */
export type RequestOrigin = {
  readonly actor: string | null;
  readonly accountId?: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
};

/** The origin of what a process does by itself, for example when it starts. */
export const BY_ITSELF: RequestOrigin = { actor: null, address: null, requestId: null };

/** An action that was carried out or rejected. `detail` never contains a token or a secret. */
export type AuditEvent = RequestOrigin & {
  readonly action: string;
  readonly target: string | null;
  readonly outcome: 'success' | 'refused';
  readonly detail?: Record<string, unknown>;
};

const MS_PER_DAY = 86_400_000;

/** Inserts an event in the transaction that carries out the action, so that both are committed together. */
export async function insertAuditEvent(
  transaction: SqlEntityManager,
  { detail = {}, ...event }: AuditEvent,
): Promise<void> {
  await transaction.insert(AuditEventEntity, { ...event, detail, at: new Date() });
}

/** Inserts the event of a successful action in the transaction that carries out the action. */
export function insertSuccess(
  transaction: SqlEntityManager,
  origin: RequestOrigin,
  action: string,
  target: string,
  detail: Record<string, unknown>,
): Promise<void> {
  return insertAuditEvent(transaction, { ...origin, action, target, outcome: 'success', detail });
}

/** An event with the time at which it happened. */
export type RecordedEvent = AuditEvent & { readonly at: Date };

/** Inserts events that belong to no transaction, all or none. */
export async function insertAuditEvents(em: SqlEntityManager, events: readonly RecordedEvent[]): Promise<void> {
  await em.fork().insertMany(
    AuditEventEntity,
    events.map(({ detail = {}, ...event }) => ({ ...event, detail })),
  );
}

/** Records an event that belongs to no transaction, such as a rejection. It returns at once. */
export type RecordAuditEvent = (event: AuditEvent) => void;

/** Lists audit events, the newest first. `before` is the id of an event and selects older events only. */
export async function listAuditEvents(
  em: SqlEntityManager,
  { limit, before }: { limit: number; before?: number | undefined },
) {
  const where = before === undefined ? {} : { id: { $lt: before } };
  return em.fork().find(AuditEventEntity, where, { orderBy: { id: 'desc' }, limit, disableIdentityMap: true });
}

/** Lists the newest events that concern an account. */
export function listAccountEvents(em: SqlEntityManager, accountId: string, limit: number) {
  return em.fork().find(AuditEventEntity, { accountId }, { orderBy: { id: 'desc' }, limit, disableIdentityMap: true });
}

/** Deletes the audit events that are older than `days`. */
export async function deleteOldAuditEvents(em: SqlEntityManager, days: number): Promise<void> {
  await em.fork().nativeDelete(AuditEventEntity, { at: { $lt: new Date(Date.now() - days * MS_PER_DAY) } });
}

import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import { AuditEventEntity } from './audit-event.entity.ts';

/** Who asked for something, and from where. */
export type Origin = {
  readonly actor: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
};

/** What a process does by itself when it starts. */
export const AT_START: Origin = { actor: null, address: null, requestId: null };

/** What was done, or tried. `detail` never holds a token or a secret. */
export type AuditEvent = Origin & {
  readonly action: string;
  readonly target: string | null;
  readonly outcome: 'success' | 'refused';
  readonly detail?: Record<string, unknown>;
};

/** Adds an event as a part of `transaction`: what was done and the word of it are committed together. */
export async function insertAuditEvent(
  transaction: SqlEntityManager,
  { detail = {}, ...event }: AuditEvent,
): Promise<void> {
  await transaction.insert(AuditEventEntity, { ...event, detail, at: new Date() });
}

/** Adds the event that `origin` did something, as a part of the transaction that does it. */
export function insertSuccess(
  transaction: SqlEntityManager,
  origin: Origin,
  action: string,
  target: string,
  detail: Record<string, unknown>,
): Promise<void> {
  return insertAuditEvent(transaction, { ...origin, action, target, outcome: 'success', detail });
}

/** Records an event that stands for itself, like a refusal. It waits for nothing, and a store that is away is logged. */
export type RecordAuditEvent = (event: AuditEvent) => void;

/** Creates the record of events outside transactions. */
export function createAuditRecord({ em, logger }: { em: SqlEntityManager; logger: Logger }): RecordAuditEvent {
  return (event) => {
    logger.info({ audit: event }, event.action);
    insertAuditEvent(em.fork(), event).catch((err) =>
      logger.error({ err, audit: event }, 'an audit event could not be stored'),
    );
  };
}

/** The newest events first; with `before` those that are older than the event of that id. */
export async function listAuditEvents(
  em: SqlEntityManager,
  { limit, before }: { limit: number; before?: number | undefined },
) {
  const where = before === undefined ? {} : { id: { $lt: before } };
  return em.fork().find(AuditEventEntity, where, { orderBy: { id: 'desc' }, limit, disableIdentityMap: true });
}

/** Deletes the events that are older than so many days. */
export async function deleteOldAuditEvents(em: SqlEntityManager, days: number): Promise<void> {
  await em.fork().nativeDelete(AuditEventEntity, { at: { $lt: new Date(Date.now() - days * 86_400_000) } });
}

import type { AuditEvent } from './audit.ts';

/** A text of an event is cut to this length, because a stranger chooses some of them. */
const MAX_TEXT_LENGTH = 500;

/**
 * Makes every text of an event one that PostgreSQL can store: it rejects NUL and halves of surrogate pairs, which a client
 * can send. They are replaced by U+FFFD.
 */
export function sanitizeEvent({ actor, target, address, requestId, detail = {}, ...event }: AuditEvent): AuditEvent {
  return {
    ...event,
    actor: sanitize(actor),
    target: sanitize(target),
    address: sanitize(address),
    requestId: sanitize(requestId),
    detail: Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, sanitize(value)])),
  };
}

function sanitize<T>(value: T): T | string {
  if (typeof value !== 'string') return value;
  return value.slice(0, MAX_TEXT_LENGTH).toWellFormed().replaceAll('\0', '\ufffd');
}

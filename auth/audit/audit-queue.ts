import { setTimeout as delay } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import { isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import { type AuditEvent, BY_ITSELF, insertAuditEvents, type RecordAuditEvent, type RecordedEvent } from './audit.ts';
import { sanitizeEvent } from './sanitize-event.ts';

/** Events that wait to be written. Beyond that, events are dropped and counted. */
const MAX_QUEUED = 1_000;

/**
 * Failed authentications among them. Strangers cause these, and must not displace the events of clients that have
 * authenticated.
 */
const MAX_QUEUED_FAILED_AUTHENTICATIONS = 500;

const MAX_BATCH = 200;

/** The shortest time between two reports of dropped events. */
const REPORT_INTERVAL_MS = 10_000;

/** The time before a write that failed is repeated. It doubles with each failure. */
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 15_000;

/** How long the last events may take to be written at the end of the process. */
const LAST_WRITE_TIMEOUT_MS = 5_000;

/** The queue of audit events that belong to no transaction. Disposing it writes what it still has. */
export type AuditQueue = AsyncDisposable & {
  /** Puts an event into the queue, or drops and counts it when the queue is full. It returns at once. */
  readonly record: RecordAuditEvent;
};

/**
 * Opens the queue of audit events that belong to no transaction, such as rejections. One writer inserts them in batches,
 * so that however many requests are rejected, they take one database connection. While the database is unavailable, the
 * writer repeats its write. A connection that breaks during a commit can write a batch twice. How many events were
 * dropped is itself an audit event (`audit.drop`).
 */
export function openAuditQueue({
  em,
  registry,
  logger,
  maxQueued = MAX_QUEUED,
  maxFailedAuthentications = MAX_QUEUED_FAILED_AUTHENTICATIONS,
}: {
  em: SqlEntityManager;
  registry: Registry;
  logger: Logger;
  maxQueued?: number;
  maxFailedAuthentications?: number;
}): AuditQueue {
  const registers = [registry];
  const written = new Counter({
    name: 'audit_events_written_total',
    help: 'Audit events of the queue that were stored',
    registers,
  });
  const dropped = new Counter({
    name: 'audit_events_dropped_total',
    help: 'Audit events that were not stored, because the queue was full, the database rejected them, or the process ended before it could write them',
    registers,
  });
  const queue: RecordedEvent[] = [];
  new Gauge({
    name: 'audit_queue_events',
    help: 'Audit events that wait to be stored',
    registers,
    collect() {
      this.set(queue.length);
    },
  });
  let failedAuthentications = 0;
  const disposed = new AbortController();
  let unreported = 0;
  let unrecorded = 0;
  let reportTimer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  return {
    record(event) {
      const hasTooManyFailed = isFailedAuthentication(event) && failedAuthentications >= maxFailedAuthentications;
      if (queue.length >= maxQueued || hasTooManyFailed) {
        drop(1);
        return;
      }
      const recorded = { ...sanitizeEvent(event), at: new Date() };
      logger.info(
        { event: 'audit.recorded', audit: recorded, request_id: recorded.requestId ?? undefined },
        event.action,
      );
      queue.push(recorded);
      if (isFailedAuthentication(event)) failedAuthentications += 1;
      startWriter();
    },
    async [Symbol.asyncDispose]() {
      disposed.abort();
      const ended = new AbortController();
      const timeout = delay(LAST_WRITE_TIMEOUT_MS, undefined, { signal: ended.signal }).catch(() => undefined);
      // the second round records what was dropped in the first
      for (let round = 0; round < 2; round += 1) {
        report();
        startWriter();
        await Promise.race([writing, timeout]);
      }
      ended.abort();
      drop(remove(queue.length));
      report();
    },
  };

  function startWriter(): void {
    if (writing === undefined && (queue.length > 0 || unrecorded > 0)) writing = write();
  }

  async function write(): Promise<void> {
    let retryDelay = MIN_RETRY_DELAY_MS;
    while (queue.length > 0 || unrecorded > 0) {
      const batch = queue.slice(0, MAX_BATCH);
      const count = unrecorded;
      try {
        await insertAuditEvents(em, count === 0 ? batch : [...batch, dropEvent(count)]);
        written.inc(batch.length);
        unrecorded -= count;
        retryDelay = MIN_RETRY_DELAY_MS;
      } catch (err) {
        if (isDatabaseUnavailable(err)) {
          logger.warn(
            { event: 'audit.store_failed', err, queued: queue.length },
            'cannot store audit events, retrying',
          );
          // at the end of the process a failed write is not repeated
          if (disposed.signal.aborted) break;
          await delay(retryDelay, undefined, { signal: disposed.signal }).catch(() => undefined);
          retryDelay = Math.min(2 * retryDelay, MAX_RETRY_DELAY_MS);
          continue;
        }
        if (batch.length === 0) break;
        // one event that the database rejects must not keep the others from being stored
        await writeSeparately(batch);
      }
      remove(batch.length);
    }
    // in the same turn as the last look at the queue, so that the next event starts another writer
    writing = undefined;
  }

  /** Removes the first events from the queue, and returns their number. */
  function remove(count: number): number {
    const removed = queue.splice(0, count);
    failedAuthentications -= removed.filter(isFailedAuthentication).length;
    return removed.length;
  }

  async function writeSeparately(batch: readonly RecordedEvent[]): Promise<void> {
    const results = [];
    for (const event of batch) results.push(...(await Promise.allSettled([insertAuditEvents(em, [event])])));
    const [failure, ...others] = results.filter((result) => result.status === 'rejected');
    written.inc(results.filter(({ status }) => status === 'fulfilled').length);
    if (failure === undefined) return;
    drop(1 + others.length);
    logger.error(
      { event: 'audit.events_rejected', err: failure.reason },
      'the database rejects audit events, dropping them',
    );
  }

  function drop(count: number): void {
    if (count === 0) return;
    dropped.inc(count);
    unreported += count;
    reportTimer ??= setTimeout(() => {
      report();
      startWriter();
    }, REPORT_INTERVAL_MS).unref();
  }

  function report(): void {
    clearTimeout(reportTimer);
    reportTimer = undefined;
    if (unreported === 0) return;
    logger.warn({ event: 'audit.events_dropped', count: unreported }, 'audit events were dropped');
    unrecorded += unreported;
    unreported = 0;
  }
}

function isFailedAuthentication({ action }: AuditEvent): boolean {
  return action === 'client.authenticate';
}

/** The audit event that records how many events were dropped. */
function dropEvent(count: number): RecordedEvent {
  return { ...BY_ITSELF, action: 'audit.drop', target: null, outcome: 'refused', detail: { count }, at: new Date() };
}

import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { REJECTION_REASONS, type ReportRejection } from './connection-limits.ts';

/** Creates a function that counts each connection which the server closed because of a limit, and logs it at debug. */
export function reportRejectedConnections({
  registry,
  logger,
}: {
  registry: Registry;
  logger: Logger;
}): ReportRejection {
  const rejected = new Counter({
    name: 'http_connections_rejected_total',
    help: 'Connections that were closed because of a limit',
    labelNames: ['reason'],
    registers: [registry],
  });
  // a series that begins with 0: otherwise `increase` does not see the first rejection
  for (const reason of REJECTION_REASONS) rejected.inc({ reason }, 0);

  return function reportRejectedConnection(reason, network) {
    rejected.inc({ reason });
    logger.debug({ event: 'connection.rejected', reason, network }, 'a connection was closed because of a limit');
  };
}

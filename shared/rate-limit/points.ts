/**
 * What requests cost, in points of the rate limit. A point stands for at most about 10 ms of CPU time on the embedded
 * database. For the same CPU time, a rejected request costs no fewer points than a valid one, so that a client gains nothing by
 * sending what is rejected.
 */
const POINTS = {
  /** Every request with a valid access token. */
  request: 1,
  /** A request that waits for a change, in addition: it reads the database a second time. */
  wait: 1,
  /** Each further page of an export. */
  exportedPage: 1,
  /** Each operation of a batch. */
  operation: 1,
  /** A body that is rejected, in addition: every problem in it is looked for. */
  rejectedBody: 10,
} as const;

/** Lines of an import, and bytes of any body, that cost one point. */
const LINES_PER_POINT = 20;
const BYTES_PER_POINT = 4_000;

export const { request: REQUEST_POINTS, wait: WAIT_POINTS, exportedPage: EXPORTED_PAGE_POINTS } = POINTS;

/** The points of a valid body, in addition to those of its request. The largest of its costs counts. */
export function pointsOfBody({
  bytes = 0,
  operations = 0,
  lines = 0,
}: {
  bytes?: number | undefined;
  operations?: number | undefined;
  lines?: number | undefined;
}): number {
  const points = Math.max(
    operations * POINTS.operation,
    Math.ceil(lines / LINES_PER_POINT),
    Math.ceil(bytes / BYTES_PER_POINT),
  );
  return Math.max(0, points - POINTS.request);
}

/** The points of a rejected body of which `bytes` were read, in addition to those of its request. */
export function pointsOfRejectedBody(bytes = 0): number {
  return POINTS.rejectedBody + pointsOfBody({ bytes });
}

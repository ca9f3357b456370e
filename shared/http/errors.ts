import { STATUS_CODES } from 'node:http';

/** A field of a request and what it should have been. */
export type FieldProblem = { readonly field: string; readonly expected: string };

/**
 * A request that is refused: thrown where the reason is known, turned into a response in one place. `message` and
 * `fields` reach the caller, `cause` only the log.
 */
export class HttpError extends Error {
  override readonly name: string = 'HttpError';
  readonly status: number;
  readonly fields: readonly FieldProblem[];
  readonly headers: Readonly<Record<string, string>>;
  /** More members of the problem details (RFC 9457 §3.2). */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    detail: string,
    options: {
      fields?: readonly FieldProblem[];
      headers?: Record<string, string>;
      members?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: options.cause });
    this.status = status;
    this.fields = options.fields ?? [];
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }

  /** The phrase that RFC 9110 gives the status. */
  get title(): string {
    return STATUS_CODES[this.status] ?? 'Error';
  }
}

/** A body, parameter or query that is not what the schema says: 400, with a line for each field. */
export class InvalidRequestError extends HttpError {
  override readonly name = 'InvalidRequestError';

  constructor(fields: readonly FieldProblem[], cause?: unknown) {
    super(400, fields.map(({ field, expected }) => `${field}: expected ${expected}`).join('; '), { fields, cause });
  }
}

/** What this server needs to answer is out of reach: 503, to be tried again after `retryAfter` seconds. */
export class ServiceUnavailableError extends HttpError {
  override readonly name = 'ServiceUnavailableError';

  constructor(detail: string, { retryAfter = 1, cause }: { retryAfter?: number; cause?: unknown } = {}) {
    super(503, detail, { headers: { 'retry-after': String(retryAfter) }, cause });
  }
}

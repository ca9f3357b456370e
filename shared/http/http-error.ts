import { STATUS_CODES } from 'node:http';
import { PROBLEMS, type ProblemCode, type ProblemMembers } from '../todo/problems.ts';

/** A field of a request and what the server expected there. */
export type FieldProblem = { readonly field: string; readonly expected: string };

type HttpErrorOptions<Code extends ProblemCode> = {
  readonly fields?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
} & (ProblemMembers<Code> extends undefined
  ? { readonly members?: undefined }
  : { readonly members: ProblemMembers<Code> });

/** Options may be left out where a code has no members. */
type Rest<Code extends ProblemCode> =
  ProblemMembers<Code> extends undefined ? [options?: HttpErrorOptions<Code>] : [options: HttpErrorOptions<Code>];

/**
 * A rejected request: thrown where the reason is known, turned into a response in one place. The status follows from the
 * code. `message`, `fields` and `members` reach the client, `cause` reaches only the log.
 */
export class HttpError<Code extends ProblemCode = ProblemCode> extends Error {
  override readonly name: string = 'HttpError';
  readonly code: Code;
  readonly fields: readonly FieldProblem[];
  readonly headers: Readonly<Record<string, string>>;
  /** The extension members of the problem details, which follow from the problem's `code` (RFC 9457 §3.2). */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: Code, detail: string, ...[options]: Rest<Code>) {
    super(detail, { cause: options?.cause });
    this.code = code;
    this.fields = options?.fields ?? [];
    this.headers = options?.headers ?? {};
    this.members = options?.members ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The reason phrase of the status (RFC 9110 §15). */
  get title(): string {
    return REASON_PHRASES[this.status] ?? STATUS_CODES[this.status] ?? 'Error';
  }
}

/** The phrases of RFC 9110 §15.5 that Node has in an older form. */
const REASON_PHRASES: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

/** A body, parameter or query that does not match its schema: 400, with an entry for each field. */
export class InvalidRequestError extends HttpError<'invalid_request'> {
  override readonly name = 'InvalidRequestError';

  constructor(fields: readonly FieldProblem[], cause?: unknown) {
    super('invalid_request', fields.map(({ field, expected }) => `${field}: expected ${expected}`).join('; '), {
      fields,
      cause,
    });
  }
}

/** A dependency of this server cannot be reached: 503, to be retried after `retryAfter` seconds. */
export class ServiceUnavailableError extends HttpError<UnavailableCode> {
  override readonly name = 'ServiceUnavailableError';

  constructor(
    code: UnavailableCode,
    detail: string,
    { retryAfter = 1, cause }: { retryAfter?: number; cause?: unknown } = {},
  ) {
    super(code, detail, { headers: { 'retry-after': String(retryAfter) }, cause });
  }
}

type UnavailableCode = 'database_unavailable' | 'authorization_server_unavailable' | 'too_many_concurrent_writes';

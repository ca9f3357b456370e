import * as z from 'zod';

const Version = z.int().positive().optional();

/** The members of a problem that this client reads: numbers and codes, and no text, which may repeat untrusted input. */
const Problem = z.object({
  code: z.string().optional(),
  current_version: Version,
  limit: z.int().positive().optional(),
  unit: z.string().optional(),
  errors: z.array(z.object({ field: z.string() })).default([]),
  results: z.array(z.object({ status: z.int(), code: z.string().optional(), current_version: Version })).default([]),
});

/**
 * The todo API did not carry out a request. `status` is the status of its response; 502 when the response does not come from a
 * todo API, 503 when there is no response.
 */
export class TodoApiError extends Error {
  override readonly name = 'TodoApiError';
  readonly status: number;
  /** The problem's `code`, when the API sent one. */
  readonly code: string | undefined;
  /** The current version of the todo, when the request named another one (412). */
  readonly currentVersion: number | undefined;
  /** The most that the API stores for the user, when the write would store more (507). */
  readonly quota: { readonly limit: number; readonly unit: 'todos' | 'bytes' } | undefined;
  /** Whether the API rejected the cursor. */
  readonly invalidCursor: boolean;
  /** The address that the request was sent to, when there is no response. */
  readonly address: string | undefined;
  /** Set when the server at the configured address is not the todo API. */
  readonly wrongAddress: WrongAddress | undefined;
  /** Why operations of a batch were rejected, by index. Operations that are themselves valid (424) are left out. */
  readonly operations: ReadonlyMap<number, RejectedOperation>;

  constructor(
    status: number,
    {
      problem,
      cause,
      address,
      wrongAddress,
    }: { problem?: unknown; cause?: unknown; address?: string; wrongAddress?: WrongAddress } = {},
  ) {
    super(status === 503 && address !== undefined ? 'The todo API did not answer' : `The todo API answered ${status}`, {
      cause,
    });
    this.address = address;
    this.wrongAddress = wrongAddress;
    const data = Problem.safeParse(problem).data ?? Problem.parse({});
    const { limit, unit } = data;
    this.status = status;
    this.code = data.code;
    this.currentVersion = data.current_version;
    this.quota =
      limit !== undefined && (unit === 'todos' || unit === 'bytes') && data.code === 'quota_exceeded'
        ? { limit, unit }
        : undefined;
    this.invalidCursor = data.errors.some(({ field }) => field === 'cursor');
    this.operations = new Map(
      [...data.results.entries()]
        .filter(([, { status }]) => status !== 424)
        .map(([index, { status, code, current_version }]) => [
          index,
          { status, code, currentVersion: current_version },
        ]),
    );
  }
}

/** An address without a todo API, or with one whose resource identifier has another origin (RFC 9728 §3.3). */
export type WrongAddress = { readonly address: string; readonly resourceOrigin?: string };

/** Why one operation of a batch was rejected. */
export type RejectedOperation = {
  readonly status: number;
  readonly code: string | undefined;
  readonly currentVersion: number | undefined;
};

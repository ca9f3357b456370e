import * as z from 'zod';

/** What the API says of a refusal, as far as it is looked at: numbers, and no words, which may repeat a stranger's. */
const Problem = z.object({
  errors: z.array(z.object({ field: z.string(), expected: z.string() })).default([]),
  results: z.array(z.object({ status: z.int() })).default([]),
});

/** The todo API did not do what it was asked. `status` is its answer, 502 one that is no answer, 503 none at all. */
export class TodoApiError extends Error {
  override readonly name = 'TodoApiError';
  readonly status: number;
  /** The version that the todo is of, when that is why it was refused. */
  readonly version: number | undefined;
  /** Whether it was refused for its cursor, which is none of the list that was asked for. */
  readonly foreignCursor: boolean;
  /** Why each operation of a batch was refused that was, by its number from 0. */
  readonly operations: ReadonlyMap<number, { readonly status: number; readonly version: number | undefined }>;

  constructor(status: number, { problem, cause }: { problem?: unknown; cause?: unknown } = {}) {
    super(`The todo API answered ${status}`, { cause });
    const { errors, results } = Problem.catch({ errors: [], results: [] }).parse(problem);
    this.status = status;
    this.version = versionIn(errors, 'if-match');
    this.foreignCursor = errors.some(({ field }) => field === 'cursor');
    this.operations = new Map(
      results
        .map(
          ({ status }, index) =>
            [index, { status, version: versionIn(errors, `operations.${index}.version`) }] as const,
        )
        // those that are only not done because of the others
        .filter(([, { status }]) => status !== 424),
    );
  }
}

function versionIn(errors: z.infer<typeof Problem>['errors'], of: string): number | undefined {
  const version = /^version (\d{1,10})$/.exec(errors.find(({ field }) => field === of)?.expected ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
}

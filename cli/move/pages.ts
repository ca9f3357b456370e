import type { Query, Table } from './catalog.ts';

/** Pages of a table in its file: from `start` to before `end`, or to the last one. */
export type Pages = { readonly start: number; readonly end: number | undefined };

/** How many rows there are, and a number that any other row would change, whatever their order. */
export type Digest = { readonly rows: number; readonly sum: bigint };

/** What is in memory at once, as far as the rows themselves are not larger. */
const PART_BYTES = 4 * 1024 * 1024;
const FIRST_PAGES = 16;
const MAX_PAGES = 1_024;

/**
 * Goes through a table in parts of about four megabytes. A part is some pages of the file, because every table has pages, and
 * PostgreSQL reads them without an index and without reading the table from its beginning.
 * @param read reads the rows of some pages, and returns how many bytes it has in memory for them.
 */
export async function forEachPart(
  query: Query,
  { name }: Table,
  read: (pages: Pages) => Promise<number>,
): Promise<void> {
  const [size] = await query<{ pages: number }>(
    "select ceil(pg_relation_size($1::regclass) / current_setting('block_size')::numeric)::int as pages",
    [name],
  );
  const total = size?.pages ?? 0;
  let count = FIRST_PAGES;
  for (let start = 0; start < total; ) {
    const end = start + count;
    const bytes = await read({ start, end: end < total ? end : undefined });
    start = end;
    // a row has a few bytes in its page and may have megabytes elsewhere (TOAST), so the bytes that were read decide
    count = Math.max(1, Math.min(MAX_PAGES, 4 * count, Math.floor((count * PART_BYTES) / Math.max(bytes, 1))));
  }
}

/** The condition that a row is in some pages. */
export function isIn({ start, end }: Pages): string {
  return `ctid >= '(${start},0)'${end === undefined ? '' : ` and ctid < '(${end},0)'`}`;
}

/**
 * Digests the rows of some pages: each row as text, with the values of all columns, by SHA-256. The same statement runs in both
 * databases, and the sum of the parts is the digest of the table.
 */
export async function digest(
  query: Query,
  { name, columns }: Table,
  pages: Pages,
): Promise<Digest & { bytes: number }> {
  const row = `row(${columns.map((column) => column.name).join(', ')})::text`;
  const [found] = await query<{ rows: string; bytes: string; sum: string }>(
    `select count(*)::text as rows, coalesce(sum(octet_length(row)), 0)::text as bytes,
       coalesce(sum(('x' || left(encode(sha256(convert_to(row, 'UTF8')), 'hex'), 16))::bit(64)::bigint), 0)::text as sum
     from (select ${row} as row from ${name} where ${isIn(pages)}) part`,
  );
  return { rows: Number(found?.rows ?? 0), bytes: Number(found?.bytes ?? 0), sum: BigInt(found?.sum ?? 0) };
}

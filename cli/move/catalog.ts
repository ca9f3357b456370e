/** Executes a statement in a database, with `$1` for the first value, and returns its rows. */
export type Query = <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;

/** A table as the catalog of its database describes it. Names are quoted, so that they can be parts of statements. */
export type Table = {
  readonly schema: string;
  /** `api.todo` */
  readonly name: string;
  /** In the order of their names. */
  readonly columns: readonly Column[];
};

type Column = {
  readonly name: string;
  readonly type: string;
  /** Whether the database calculates the value from other columns. */
  readonly generated: boolean;
};

/** A sequence of a database, such as that of an identity column. */
export type Sequence = { readonly schema: string; readonly name: string; readonly increment: string };

/** The table in which MikroORM remembers the migrations of a schema. Each database has its own. */
const MIGRATION_TABLE = 'migration';

/**
 * Lists the tables of a database, without those of PostgreSQL itself and those of the migrations. They come from the catalog and
 * not from a list in the program, so that a move cannot forget a table.
 */
export function listTables(query: Query): Promise<Table[]> {
  return query<Table>(
    `select n.nspname as schema, format('%I.%I', n.nspname, c.relname) as name, (
       select json_agg(json_build_object(
         'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod), 'generated', a.attgenerated <> ''
       ) order by a.attname collate "C")
       from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     ) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and ${IS_OURS} and c.relname <> $1
     order by n.nspname collate "C", c.relname collate "C"`,
    [MIGRATION_TABLE],
  );
}

/** Lists the sequences of a database, without those of the migrations. */
export function listSequences(query: Query): Promise<Sequence[]> {
  return query<Sequence>(
    `select n.nspname as schema, format('%I.%I', n.nspname, c.relname) as name, s.seqincrement::text as increment
     from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
     where ${IS_OURS} and not exists (
       select from pg_depend d join pg_class owner on owner.oid = d.refobjid
       where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
         and owner.relname = $1
     )
     order by n.nspname collate "C", c.relname collate "C"`,
    [MIGRATION_TABLE],
  );
}

/** A schema that is neither of PostgreSQL nor of a session. */
const IS_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";

/** Lists the migrations that have run in a schema. @returns undefined when the schema has no table of migrations. */
export async function listMigrations(query: Query, schema: string): Promise<string[] | undefined> {
  const table = `${schema}.${MIGRATION_TABLE}`;
  const [found] = await query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [table]);
  if (!found?.exists) return undefined;
  const rows = await query<{ name: string }>(`select name from ${table} order by id`);
  return rows.map(({ name }) => name);
}

/** Whether a table has at least one row. */
export async function hasRows(query: Query, { name }: Table): Promise<boolean> {
  const [row] = await query<{ found: boolean }>(`select exists (select from ${name}) as found`);
  return row?.found === true;
}

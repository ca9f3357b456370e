import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type pg from 'pg';
import { isDatabaseUnavailable } from './database-unavailable.ts';

/** The pool of each connection of MikroORM to a PostgreSQL server. */
const pools = new WeakMap<object, { readonly pool?: pg.Pool }>();

/** Remembers the pool with which MikroORM connects, so that `executePrepared` can use it. */
export function rememberPool(em: SqlEntityManager, created: { readonly pool?: pg.Pool }): void {
  pools.set(em.getConnection(), created);
}

/** The statements that were prepared, by their text. The texts are constants of the program, so there are few. */
const statements = new Map<string, { readonly name: string; readonly text: string }>();

/**
 * Executes a statement, with `?` for each value, and returns its rows. PostgreSQL parses and plans it once for each connection.
 * MikroORM writes the values into the text, so that each statement is a new one. Use it where a request executes the same
 * statement again and again, and finds its rows by their keys.
 */
export async function executePrepared<Row extends object>(
  em: SqlEntityManager,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const pool = pools.get(em.getConnection())?.pool;
  if (pool === undefined) return em.getConnection().execute<Row[]>(sql, values);
  const client = await pool.connect();
  try {
    const { rows } = await client.query<Row>({ ...prepare(sql), values: [...values] });
    client.release();
    return rows;
  } catch (error) {
    // a connection that broke is not used again; what the database rejects leaves it as it was
    client.release(isDatabaseUnavailable(error));
    throw error;
  }
}

function prepare(sql: string): { readonly name: string; readonly text: string } {
  const known = statements.get(sql);
  if (known !== undefined) return known;
  let count = 0;
  const text = sql.replaceAll('?', () => `$${++count}`);
  const prepared = { name: hash('sha256', text, 'base64url').slice(0, 32), text };
  statements.set(sql, prepared);
  return prepared;
}

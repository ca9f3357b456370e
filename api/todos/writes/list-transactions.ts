import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { PGlite } from '@electric-sql/pglite';
import type { Logger } from 'pino';
import type { Database } from '../../../shared/database/database.ts';
import type { ObservePool } from '../../../shared/database/observe-pools.ts';
import { openPool } from '../../../shared/database/pool.ts';
import type { Statement } from './list-statements.ts';

/** A statement with its values. */
export type Call = readonly [statement: Statement, ...values: unknown[]];

/** A transaction of a write. */
export type ListTransaction = {
  /** Executes statements in their order, and returns the rows of each. On PostgreSQL they are sent without waiting. */
  readonly execute: (calls: readonly Call[]) => Promise<readonly Record<string, unknown>[][]>;
  /** Executes statements, and commits, after at least one `execute`. Nothing may follow. */
  readonly commit: (calls: readonly Call[]) => Promise<void>;
};

/** Runs the transactions that write todos. Disposing it closes its connections. */
export type ListTransactions = AsyncDisposable & {
  /** Resolves when the transaction has ended: it is rolled back unless `work` commits it. */
  readonly run: <T>(work: (transaction: ListTransaction) => Promise<T>) => Promise<T>;
  /** Executes a statement, which is a transaction by itself, and returns its rows. */
  readonly execute: (call: Call) => Promise<readonly Record<string, unknown>[]>;
};

/** How long the server may send nothing while a statement runs, and how long a transaction waits for a connection. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Settings of the connections. Every statement finds its rows by their keys, so a plan is made once, and never one that reads
 * a whole table because the table was empty when the plan was made.
 */
const PLANNER_SETTINGS = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' };

/** A process that hangs must not keep the lists that it has locked. */
const LOCK_SETTINGS = {
  idle_in_transaction_session_timeout: String(ANSWER_TIMEOUT_MS),
  lock_timeout: String(ANSWER_TIMEOUT_MS / 2),
};

/** @param maxTransactions how many run at the same time on PostgreSQL. The embedded database runs one. */
export function openListTransactions({
  database,
  maxTransactions,
  logger,
  observe,
}: {
  database: Database;
  maxTransactions: number;
  logger: Logger;
  observe?: ObservePool | undefined;
}): ListTransactions {
  return database.kind === 'embedded'
    ? createEmbedded(database.pglite)
    : openPostgresql(database.url, { maxTransactions, logger, observe });
}

function openPostgresql(
  url: string,
  { maxTransactions, logger, observe }: { maxTransactions: number; logger: Logger; observe: ObservePool | undefined },
): ListTransactions {
  const pool = openPool(url, {
    // one more for statements beside the transactions
    max: maxTransactions + 1,
    timeout: ANSWER_TIMEOUT_MS,
    settings: { ...PLANNER_SETTINGS, ...LOCK_SETTINGS },
    pipeline: true,
    observe,
    onIdleError: (err) =>
      logger.warn({ event: 'todo_writer.connection_lost', err }, 'an idle connection to PostgreSQL failed'),
  });
  return {
    async run(work) {
      const client = await pool.connect();
      let isOpen = false;
      const send = (calls: readonly Call[]) => {
        // one write to the socket for all statements
        const { stream } = (client as unknown as ClientWithStream).connection;
        stream.cork();
        const results = calls.map(([{ name, text }, ...values]) => client.query({ name, text, values }));
        stream.uncork();
        return Promise.all(results);
      };
      try {
        const result = await work({
          async execute(calls) {
            const begin: readonly Call[] = isOpen ? [] : [[BEGIN]];
            isOpen = true;
            const results = await send([...begin, ...calls]);
            return results.slice(begin.length).map(({ rows }) => rows);
          },
          async commit(calls) {
            await send([...calls, [COMMIT]]);
            isOpen = false;
          },
        });
        if (isOpen) await send([[ROLLBACK]]);
        client.release();
        return result;
      } catch (error) {
        // to close the connection rolls back whatever it has begun
        client.release(true);
        throw error;
      }
    },
    async execute([{ name, text }, ...values]) {
      return (await pool.query<Record<string, unknown>>({ name, text, values })).rows;
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** What the driver has beyond its types. */
type ClientWithStream = { readonly connection: { readonly stream: Pick<Socket, 'cork' | 'uncork'> } };

function createEmbedded(pglite: PGlite): ListTransactions {
  return {
    run: (work) =>
      pglite.transaction(async (transaction) => {
        let committed = false;
        const execute = async (calls: readonly Call[]) => {
          const results: Record<string, unknown>[][] = [];
          for (const [{ text }, ...values] of calls) {
            results.push((await transaction.query<Record<string, unknown>>(text, values)).rows);
            // PGlite executes a statement in microtasks: without this, nothing else would run until the transaction ends
            await setImmediate();
          }
          return results;
        };
        const result = await work({
          execute,
          async commit(calls) {
            await execute(calls);
            committed = true;
          },
        });
        if (!committed) await transaction.rollback();
        return result;
      }),
    async execute([{ text }, ...values]) {
      const { rows } = await pglite.query<Record<string, unknown>>(text, values);
      await setImmediate();
      return rows;
    },
    async [Symbol.asyncDispose]() {},
  };
}

const BEGIN: Statement = { name: 'begin', text: 'begin' };
const COMMIT: Statement = { name: 'commit', text: 'commit' };
const ROLLBACK: Statement = { name: 'rollback', text: 'rollback' };

/**
 * Whether the database rejected a statement, so that nothing of its transaction is written. After a lost connection or a
 * shutdown of the server (SQLSTATE classes 08, 57 and 58), the outcome is not known, and a server without resources (53) needs
 * a pause.
 */
export function isRejectedByDatabase(error: unknown): boolean {
  const { code } = Object(error);
  return (
    error instanceof Error && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|53|57|58)/.test(code)
  );
}

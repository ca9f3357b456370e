import type { PGlite } from '@electric-sql/pglite';
import { type DatabaseConnection, type Driver, PGliteDialect, PGliteDriver } from 'kysely';

/**
 * Kysely's dialect for PGlite, one user of the connection at a time.
 *
 * PGlite has one connection, and Kysely 0.29's driver hands it to everybody at once: a query of one request then runs
 * inside a transaction of another and is lost with its rollback, and two transactions that begin together never end.
 * Here each waits for its turn. A query outside a transaction that is made while one's own is open waits for ever, as it
 * would with a pool of one connection.
 */
export class SerialPGliteDialect extends PGliteDialect {
  readonly #pglite: PGlite;

  constructor(pglite: PGlite) {
    super({ pglite });
    this.#pglite = pglite;
  }

  override createDriver(): Driver {
    return new SerialPGliteDriver(this.#pglite);
  }
}

class SerialPGliteDriver extends PGliteDriver {
  #last: Promise<void> = Promise.resolve();
  readonly #release: (() => void)[] = [];

  constructor(pglite: PGlite) {
    super({ pglite });
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    this.#release.push(resolve);
    return super.acquireConnection();
  }

  override async releaseConnection(): Promise<void> {
    this.#release.shift()?.();
  }

  /** The instance is not this driver's to close: several object-relational mappers share it. */
  override async destroy(): Promise<void> {}
}

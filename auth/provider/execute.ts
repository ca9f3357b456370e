import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Provider from 'oidc-provider';
import { executePrepared } from '../../shared/database/prepared-statements.ts';
import type { EmFor } from '../database/priority-connections.ts';

/** Executes a statement, with `?` for each value, and returns the rows. */
export type Execute = <Row extends object>(sql: string, values: readonly unknown[]) => Promise<Row[]>;

/**
 * Creates the execution of statements for the storage of oidc-provider, on the connections for the client of the current
 * request. They are prepared, and without an entity manager: a token request executes five of them, and entities make each
 * cost several times as much.
 */
export function createExecute({ em, emFor }: { em: SqlEntityManager; emFor: EmFor }): Execute {
  return function execute(sql, values) {
    const client = Provider.ctx?.oidc?.client;
    const chosen = client === undefined ? em : emFor(client.clientId);
    return executePrepared(chosen, sql, values);
  };
}

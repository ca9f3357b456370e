import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { findPostgresqlPrograms, startPostgresql } from '../support/start-postgresql.ts';

vi.setConfig({ testTimeout: 60_000 });

test('while the password changes both roles can log in and own the same, and no password is printed or logged', async ({
  skip,
}) => {
  const programs = findPostgresqlPrograms();
  if (programs === undefined) return skip('PostgreSQL is not installed.');
  await using server = await startPostgresql(programs);
  const { socketDirectory: directory, port } = server;
  const data = join(directory, 'cluster');
  await query(
    { user: 'postgres' },
    "create role auth login password 'old'; create role api login password 'api'",
    'create database auth owner auth',
    'revoke all on database auth from public',
    "alter system set log_statement = 'all'",
  );
  // as start-postgres.sh of an earlier version wrote it
  const hba = 'local all all trust\nhost all postgres all trust\nhost auth auth all scram-sha-256\n';
  writeFileSync(join(data, 'pg_hba.conf'), hba);
  await query({ user: 'postgres' }, 'select pg_reload_conf()');
  const log = () => readFileSync(join(directory, 'log'), 'utf8');
  mkdirSync(join(directory, 'secrets'));
  writeFileSync(join(directory, 'secrets', 'auth-password.next'), 'very-new\n');

  const outputs: string[] = [];
  const [old, next] = [
    { user: 'auth', password: 'old', database: 'auth' },
    { user: 'auth_next', password: 'very-new', database: 'auth' },
  ];
  await query(old, 'create table made_before (id int)');
  for (let repetition = 0; repetition < 2; repetition += 1) await change('begin');
  await vi.waitFor(() => query(next, 'create table made_meanwhile (id int)', 'alter table made_before add name text'));
  await query(old, 'alter table made_meanwhile add name text');

  for (let repetition = 0; repetition < 2; repetition += 1) await change('use');
  await expect(query(old, 'select 1')).rejects.toThrow('password authentication failed');
  const changed = { ...old, password: 'very-new' };
  await query(changed, 'select 1');
  await query(next, 'select 1');

  for (let repetition = 0; repetition < 2; repetition += 1) await change('end');
  // a role that does not exist is a member of no other
  await expect(query(next, 'select 1')).rejects.toThrow('no pg_hba.conf entry');
  const owners = "select tablename, tableowner from pg_tables where schemaname = 'public' order by tablename";
  expect(await query(changed, owners)).toEqual([
    { tablename: 'made_before', tableowner: 'auth' },
    { tablename: 'made_meanwhile', tableowner: 'auth' },
  ]);
  await expect(query({ user: 'api', password: 'api', database: 'auth' }, 'select 1')).rejects.toThrow(
    'no pg_hba.conf entry',
  );

  // a role that is missing: the statement with the password fails
  await query({ user: 'postgres' }, 'alter role auth rename to gone');
  await expect(change('use')).rejects.toThrow('role "auth" does not exist');
  expect(outputs.join('')).toBe('');
  expect(log()).toContain('create table made_meanwhile');
  expect(log()).not.toContain('very-new');

  async function change(action: string): Promise<void> {
    const env = {
      ...{ PATH: `${programs}:${process.env.PATH}`, PGDATA: data, SECRETS_DIRECTORY: join(directory, 'secrets') },
      ...{ PGHOST: directory, PGPORT: String(port), PGUSER: 'postgres' },
    };
    try {
      const { stdout, stderr } = await promisify(execFile)('sh', ['docker/change-role.sh', 'auth', action], { env });
      outputs.push(stdout, stderr);
    } catch (error) {
      expect(String(error)).not.toContain('very-new');
      throw error;
    }
  }

  async function query(login: pg.ClientConfig, ...statements: string[]): Promise<unknown[]> {
    const client = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', ...login });
    await client.connect();
    try {
      let rows: unknown[] = [];
      for (const statement of statements) rows = (await client.query(statement)).rows;
      return rows;
    } finally {
      await client.end();
    }
  }
});

test('a configuration of PostgreSQL that does not let the other role log in is an error that says what to add', async ({
  skip,
}) => {
  const programs = findPostgresqlPrograms();
  if (programs === undefined) return skip('PostgreSQL is not installed.');
  await using server = await startPostgresql(programs);
  const data = join(server.socketDirectory, 'cluster');
  appendFileSync(join(data, 'pg_hba.conf'), 'hostssl auth auth all scram-sha-256\n');
  const env = { PATH: process.env.PATH, PGDATA: data };
  await expect(promisify(execFile)('sh', ['docker/change-role.sh', 'auth', 'begin'], { env })).rejects.toThrow(
    'pg_hba.conf has no line "host auth +auth all scram-sha-256". Add it',
  );
});

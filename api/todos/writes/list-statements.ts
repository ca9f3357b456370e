import { IDEMPOTENCY_KEY_HOURS } from '../../../shared/todo/limits.ts';
import { SELECT_TODO, TODO_COLUMNS } from '../todo-row.ts';

/** A statement with `$1` for each value. On PostgreSQL it is prepared once for each connection, under its name. */
export type Statement = { readonly name: string; readonly text: string };

const KEY_LIFETIME = `interval '${IDEMPOTENCY_KEY_HOURS} hours'`;

/** The time of the database, in milliseconds since 1970. */
const NOW = 'floor(extract(epoch from clock_timestamp()) * 1000)::float8';

/** How far the time of the database may be from the time that a process has remembered. */
const CLOCK_TOLERANCE_MS = 1_000;

/**
 * The statements of a write. The rows of a statement are one JSON text: node writes it and PostgreSQL reads it faster than an
 * array for each column. Every statement finds its rows by their keys.
 */
export const STATEMENTS = {
  // without waiting for lists that exist, also when they are locked
  createLists: {
    name: 'create_lists',
    text: 'insert into api.todo_list (owner) select unnest($1::text[]) order by 1 on conflict do nothing',
  },
  // without waiting: a list that another process holds must not delay the others, or keep a connection
  lockLists: {
    name: 'lock_lists',
    text: `select owner, sequence::float8 as sequence, forgotten::float8 as forgotten,
        (extract(epoch from changed_at) * 1000)::float8 as "changedAt",
        todos, bytes::float8 as bytes, change_bytes::float8 as "changeBytes",
        ${NOW} as now
      from api.todo_list where owner = any($1::text[]) order by owner for no key update skip locked`,
  },
  findTodos: {
    name: 'find_todos',
    text: `select owner, ${SELECT_TODO}, deleted_at from unnest($1::text[], $2::uuid[]) as named (owner, id)
      join api.todo using (owner, id)`,
  },
  findTakenIds: {
    name: 'find_taken_ids',
    text: `select owner, id from unnest($1::text[], $2::uuid[]) as named (owner, id)
      where exists (select from api.todo where todo.owner = named.owner and todo.id = named.id)`,
  },
  findAnswers: {
    name: 'find_answers',
    text: `select owner, key, fingerprint, answer from unnest($1::text[], $2::text[]) as named (owner, key)
      join api.idempotency_key using (owner, key) where created_at > now() - ${KEY_LIFETIME}`,
  },
  countAnswers: {
    name: 'count_answers',
    text: `select owner, count(*)::int as keys, sum(pg_column_size(answer))::float8 as bytes,
        ceil(extract(epoch from min(created_at) + ${KEY_LIFETIME} - now()))::int as "retryAfter"
      from api.idempotency_key where owner = any($1::text[]) and created_at > now() - ${KEY_LIFETIME} group by owner`,
  },
  updateLists: { name: 'update_lists', text: updateLists(listRows('$1')) },
  insertTodos: { name: 'insert_todos', text: insertTodos(todoRows('$1')) },
  updateTodos: { name: 'update_todos', text: updateTodos(todoRows('$1')) },
  insertChanges: { name: 'insert_changes', text: insertChanges(changeRows('$1')) },
  /**
   * Writes lists that are still as the process remembers them, with their todos and changes, and returns their owners. Of a
   * list that has changed, or that another process holds, nothing is written. If the list has not changed, its todos have
   * not: whatever changes a todo changes its list.
   */
  writeUnchanged: {
    name: 'write_unchanged',
    text: `with unchanged as (${lockUnchanged(listRows('$2'), '$1')}),
      lists as (${updateLists(ofUnchanged(listRows('$3')))}),
      inserted as (${insertTodos(ofUnchanged(todoRows('$4')))}),
      updated as (${updateTodos(ofUnchanged(todoRows('$5')))}),
      changes as (${insertChanges(ofUnchanged(changeRows('$6')))})
      select owner, ${NOW} as now from unchanged`,
  },
  storeAnswers: {
    name: 'store_answers',
    text: `insert into api.idempotency_key (owner, key, fingerprint, answer, created_at)
      select owner, key, fingerprint, answer, now() from json_populate_recordset(null::api.idempotency_key, $1)
      on conflict (owner, key) do update
      set fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at`,
  },
} as const satisfies Record<string, Statement>;

/** Locks the lists that are still as they are in `lists`, without waiting, unless the time is not `now`. */
function lockUnchanged(lists: string, now: string): string {
  return `select list.owner from ${lists} as remembered
    join api.todo_list as list using (owner, sequence, forgotten, changed_at, todos, bytes, change_bytes)
    where abs(${NOW} - ${now}) <= ${CLOCK_TOLERANCE_MS} for no key update of list skip locked`;
}

function updateLists(changed: string): string {
  return `update api.todo_list as list set sequence = changed.sequence, changed_at = changed.changed_at,
      todos = changed.todos, bytes = changed.bytes, change_bytes = changed.change_bytes
    from ${changed} as changed where list.owner = changed.owner`;
}

function insertTodos(added: string): string {
  return `insert into api.todo (${todoColumns()}) select ${todoColumns()} from ${added} as added`;
}

function updateTodos(changed: string): string {
  return `update api.todo set (${todoColumns()}) = row(${todoColumns('changed.')})
    from ${changed} as changed where todo.owner = changed.owner and todo.id = changed.id`;
}

function insertChanges(added: string): string {
  return `insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
    select owner, sequence, change, todo_id, version, todo, at from ${added} as added`;
}

/** The rows of `rows` whose lists `unchanged` has. */
function ofUnchanged(rows: string): string {
  return `(select written.* from ${rows} as written join unchanged using (owner))`;
}

function listRows(json: string): string {
  return `jsonb_populate_recordset(null::api.todo_list, ${json})`;
}

function todoRows(json: string): string {
  return `jsonb_populate_recordset(null::api.todo, ${json})`;
}

/** As json, which keeps the text of a todo as it is. */
function changeRows(json: string): string {
  return `json_populate_recordset(null::api.todo_change, ${json})`;
}

function todoColumns(prefix = ''): string {
  return TODO_COLUMNS.map((column) => `${prefix}${column}`).join(', ');
}

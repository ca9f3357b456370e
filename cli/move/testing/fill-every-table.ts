import { apiDatabase } from '../../../api/database/definition.ts';
import { authDatabase } from '../../../auth/database/definition.ts';
import { openEmbeddedDatabase } from '../../../shared/database/database.ts';
import { openOrm } from '../../../shared/database/orm.ts';

/** Characters that COPY, arrays and JSON have to escape, and some of several bytes. */
const TEXT = String.raw`E'\\N \\. \t\n\r\b\v \\ " '' {a,"b"} , \x01 € 😀 e\u0301'`;

/** A row or several in each table, with the values that are hard to copy. */
const ROWS = `
insert into auth.account (id, username, display_name, active, sessions_from, last_sign_in_at)
  values ('usr_1', 'ada', ${TEXT}, true, '2026-11-29 01:02:03.123456+00', 'infinity'), ('usr_2', '', '', false, '-infinity', null);
insert into auth.artifact (model, id, payload, grant_id, expires_at)
  values ('Session', 'a', jsonb_build_object('text', ${TEXT}, 'number', 1e300::numeric, 'list', '[1.10, null, {}]'::jsonb), null, 'infinity');
insert into auth.audit_event (at, actor, action, outcome, detail)
  values ('0044-03-15 12:00:00 BC', ${TEXT}, 'client.create', 'success', '{"a": [1, 2]}'), (now(), null, 'b', 'refused', '{}');
insert into auth.challenge (hash, purpose, expires_at) values ('h', 'register', now());
insert into auth.client (client_id, name, scopes, resources, token_endpoint_auth_method, jwks)
  values ('one', ${TEXT}, array['todos:read', ${TEXT}, '', 'NULL'], '{}', 'client_secret_basic', null),
    ('two', 'two', '{admin}', '{https://a.example/x}', 'private_key_jwt', '{"keys": [{"kty": "EC"}]}');
insert into auth.client_secret (hash, client_id, expires_at) values ('h', 'one', now());
insert into auth.connection (id, account_id, client_id, client_name, redirect_host, resource, scopes, expires_at, repeated_use_networks)
  values ('con_1', 'usr_1', 'one', 'one', 'a.example', 'https://a.example', '{todos:read}', now(), array['2001:db8::/48', null]);
insert into auth.failed_authentication (key, points, expire) values ('k', 3, 9223372036854775807);
insert into auth.lease (list, start, length, holder, expires_at, shared, connection_id)
  values (1, 0, 16, 'one', now(), false, null), (1, 16, 16, 'two', now(), true, 'con_1'), (1, 32, 16, 'one', now(), false, null);
insert into auth.one_time_link (hash, kind, display_name, expires_at) values ('h', 'setup', ${TEXT}, now());
insert into auth.passkey (id, account_id, public_key, sign_count, backed_up, transports, name)
  values ('p', 'usr_1', '\\x00ff5c4e0a0d09', 4294967295, true, '{internal,hybrid}', 'key'), ('q', 'usr_1', '', 0, false, '{}', '');
insert into auth.password (account_id, hash) values ('usr_1', '$scrypt$');
insert into auth.revocation (list, start, length, reason, actor, at) values (1, 3, 1, 'revoked', 'admin', now());
insert into auth.server_secret (name, encrypted_value) values ('cookies', 'ciphertext');
insert into auth.signing_key (kid, alg, encrypted_private_key) values ('k', 'ES256', 'ciphertext');
insert into auth.status_list (next_index, expires_at) values (48, now()), (0, 'infinity');
insert into api.idempotency_key (owner, key, fingerprint, answer) values ('ada', 'k', 'f', '{ "a":1,  "a":2, "b":"\\u0000" }');
insert into api.todo (owner, id, title, description, completed, created_at, updated_at, due_at, due_on, priority, tags, position, version, words)
  select 'ada', gen_random_uuid(), ${TEXT} || n, case when n % 2 = 0 then repeat(${TEXT} || n, 300) end, n % 3 = 0, now(), now(),
    case when n % 5 = 0 then 'infinity'::timestamptz end, case when n % 5 = 1 then date '2028-02-29' end, 4, array[${TEXT}, n::text],
    (array['NaN', '-0', '1e-310', '0.30000000000000004', 'Infinity', '1e300']::float8[])[n % 6 + 1], n,
    array_to_tsvector(array[${TEXT}, 'it''s', n::text])
  from generate_series(1, 2000) n;
insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
  select 'ada', n, 'created', gen_random_uuid(), 1, '{"title" :  "t", "a": 0.10 }', now() from generate_series(1, 300) n;
insert into api.todo_list (owner, sequence, forgotten, todos, bytes, change_bytes) values ('ada', 9007199254740993, 0, 3, 4, 5), ('', 0, 0, 0, 0, 0);

-- values of sequences that were used and are not in a row any more
delete from auth.lease where start = 32;
select nextval('auth.audit_event_id_seq');
-- rows and pages that are no longer there
delete from api.todo where version between 400 and 900;
update api.todo set title = 'changed' where version < 40;
`;

/** Fills the embedded database in `dataDirectory` with rows in every table. */
export async function fillEveryTable(dataDirectory: string): Promise<void> {
  await using database = await openEmbeddedDatabase(dataDirectory);
  await using _auth = await openOrm(database, authDatabase);
  await using _api = await openOrm(database, apiDatabase);
  await database.pglite.exec(ROWS);
}

import { expect, test } from 'vitest';
import { describeStatement } from './describe-statement.ts';

test.each([
  ['select "t0".* from "auth"."client" as "t0" where "t0"."client_id" = \'x\'', 'SELECT', 'auth.client'],
  ['insert into "api"."todo" ("title") values (\'from auth.secret\')', 'INSERT', 'api.todo'],
  ['update api.todo_list set sequence = 1', 'UPDATE', 'api.todo_list'],
  ['  delete from "api"."todo" where true', 'DELETE', 'api.todo'],
  ['with written as (insert into api.todo (id) values ($1)) select 1', 'WITH', 'api.todo'],
  ['begin', 'BEGIN', undefined],
  ['select set_config($1, $2, false)', 'SELECT', undefined],
  ["select 'a title from api.my_secret'", 'SELECT', undefined],
  ['select * from pg_stat_activity', 'SELECT', undefined],
  ['', 'OTHER', undefined],
])('%s is %s of %s', (text, operation, collection) => {
  expect(describeStatement(text)).toEqual({ operation, collection });
});

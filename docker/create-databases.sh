#!/bin/sh
# Runs once, when Postgres has made its files: a role and a database of its own for auth and for api.
# api comes last: the health check asks for it, and so for the whole of this.
set -eu

run_sql() {
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres "$@"
}

run_sql --command='revoke all on database postgres, template1 from public'
for NAME in auth api; do
  export NAME
  # psql reads the password itself: an argument would show in the list of processes
  run_sql --set=name="$NAME" <<'SQL'
\set password `cat "/run/secrets/$NAME-password"`
-- a statement that fails would be logged with the password in it
set log_min_error_statement = panic;
create role :"name" login password :'password';
create database :"name" owner :"name";
-- everybody may connect to a new database: api must not come near the clients' secrets
revoke all on database :"name" from public;
SQL
done

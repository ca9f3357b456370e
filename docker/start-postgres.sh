#!/bin/sh
# Starts Postgres. The first time it makes the server's files, with a role and a database of its own for auth and for
# api. They get their name when they are whole: a first start that is killed begins again.
set -eu

make_cluster() {
  # the superuser has no password and no way in over the network: `docker compose exec postgres psql` is one
  initdb --pgdata="$1" --encoding=UTF8 --auth-local=peer --auth-host=scram-sha-256
  for name in auth api; do
    password=$(cat "/run/secrets/$name-password")
    # single-user mode: a statement a line; one that fails would be logged with the password in it.
    # Everybody may connect to a new database, and api must not come near the clients' secrets in auth's
    postgres --single -D "$1" -c exit_on_error=on -c log_min_error_statement=panic postgres >/dev/null <<SQL
create role $name login password '$password'
create database $name owner $name
revoke all on database $name from public
SQL
    echo "host $name $name all scram-sha-256" >>"$1/pg_hba.conf"
  done
}

if [ ! -d "$PGDATA" ]; then
  rm -rf "$PGDATA.unfinished"
  make_cluster "$PGDATA.unfinished"
  mv "$PGDATA.unfinished" "$PGDATA"
fi
exec postgres

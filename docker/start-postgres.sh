#!/bin/sh
# Starts PostgreSQL. The first start creates the cluster, with a role and a database for auth and another for api. The
# cluster gets its final name when it is complete, so a first start that is killed begins again.
set -eu

create_cluster() {
  # the superuser has no password and cannot log in over the network, only with `docker compose exec postgres psql`
  initdb --pgdata="$1" --encoding=UTF8 --auth-local=peer --auth-host=scram-sha-256
  for name in auth api; do
    password=$(cat "/run/secrets/$name-password")
    # Single-user mode takes one statement on each line. Without log_min_error_statement=panic, PostgreSQL would log a
    # statement that fails, with the password in it. Every role may connect to a new database, so that right is revoked:
    # the role of api must not reach the client secrets in the database of auth.
    postgres --single -D "$1" -c exit_on_error=on -c log_min_error_statement=panic postgres >/dev/null <<SQL
create role $name login password '$password'
create database $name owner $name
revoke all on database $name from public
SQL
    # "+": also the role with which the service logs in while the password changes (change-role.sh)
    echo "host $name +$name all scram-sha-256" >>"$1/pg_hba.conf"
  done
}

if [ ! -d "$PGDATA" ]; then
  rm -rf "$PGDATA.unfinished"
  create_cluster "$PGDATA.unfinished"
  mv "$PGDATA.unfinished" "$PGDATA"
fi
exec postgres

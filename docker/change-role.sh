#!/bin/sh
# A part of change-secret.sh, which runs it in the container of PostgreSQL. A role has one password. While the password of
# ROLE changes, ROLE_next can log in with the new one, and each of its sessions acts as ROLE.
#   change-role.sh ROLE begin|use|end
set -eu

role=$1
# never a password in a log, also not in that of a statement that fails
query() { psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 --set VERBOSITY=terse --dbname=postgres >/dev/null; }
quiet='set log_statement = none; set log_min_duration_statement = -1; set log_min_error_statement = panic;
set client_min_messages = warning;'
read_password() { cat "${SECRETS_DIRECTORY:-/run/secrets}/$role-password.next"; }

case $2 in
  begin)
    # the clusters of earlier versions do not let its members log in
    sed -i "s/^host $role $role /host $role +$role /" "$PGDATA/pg_hba.conf"
    if ! grep -q "^host $role +$role " "$PGDATA/pg_hba.conf"; then
      echo "pg_hba.conf has no line \"host $role +$role all scram-sha-256\". Add it in the place of the line for $role, and repeat the command." >&2
      exit 1
    fi
    query <<SQL
$quiet
begin;
select 'create role ${role}_next' where not exists (select from pg_roles where rolname = '${role}_next') \gexec
grant $role to ${role}_next;
alter role ${role}_next set role = '$role';
alter role ${role}_next login password '$(read_password)';
commit;
select pg_reload_conf();
SQL
    ;;
  use)
    query <<SQL
$quiet
alter role $role password '$(read_password)';
SQL
    ;;
  end)
    query <<SQL
set client_min_messages = warning;
drop role if exists ${role}_next;
SQL
    ;;
  *)
    echo "expected begin, use or end, got $2" >&2
    exit 2
    ;;
esac

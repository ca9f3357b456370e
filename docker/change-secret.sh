#!/bin/sh
# Changes one secret of the compose project that runs, and restarts the services that use it. Run it in the folder of yata:
#   docker/change-secret.sh auth-password|api-password|key-encryption-key|api-client-secret|mcp-client-secret
# With compose.scale.yml no request fails. If the command was interrupted or failed, run it again: it completes the change.
set -eu

name=${1-}
case $name in
  auth-password | api-password) user=${name%-password} ;;
  api-client-secret | mcp-client-secret) user=${name%-client-secret} ;;
  key-encryption-key) user=auth ;;
  *)
    echo "Usage: docker/change-secret.sh auth-password|api-password|key-encryption-key|api-client-secret|mcp-client-secret" >&2
    exit 2
    ;;
esac

if [ -n "$(docker compose -f docker-compose.yml -f docker/compose.scale.yml ps --quiet nginx)" ]; then
  compose() { docker compose -f docker-compose.yml -f docker/compose.scale.yml "$@"; }
  restart() { docker/rolling-restart.sh "$1"; }
else
  compose() { docker compose "$@"; }
  restart() { compose up --detach --wait --no-deps --force-recreate "$1"; }
fi
for service in auth "$user"; do
  if [ -z "$(compose ps --quiet "$service")" ]; then
    echo "$service: no process runs. Start the services first, with compose up --wait." >&2
    exit 1
  fi
done
# only the service `secrets` can write the files; it prints no secret, and gets none
step() {
  echo "$name: $1" >&2
  compose run --rm --no-deps -T secrets node docker/change-secret.ts "$name" "$1" </dev/null
}
change_role() { compose exec -T postgres sh -c "$(cat docker/change-role.sh)" change-role.sh "$user" "$1" </dev/null; }

case $name in
  *-password)
    step add
    change_role begin
    step use
    restart "$user"
    change_role use
    step remove
    restart "$user"
    change_role end
    ;;
  *)
    step add
    restart auth
    step use
    restart "$user"
    step remove
    restart auth
    ;;
esac
step finish
echo "$name: changed" >&2

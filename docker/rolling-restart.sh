#!/bin/sh
# Replaces every process of auth, api and mcp, or of the services that are named, without a failed request: one new process is
# started and ready before an old one stops. Run it in the folder of yata, after `compose build` for a new version.
set -eu

compose() { docker compose -f docker-compose.yml -f docker/compose.scale.yml "$@"; }

# the old processes go on at the new schema
compose run --rm --no-deps migrate

[ $# -gt 0 ] || set -- auth api mcp
for service in "$@"; do
  old=$(compose ps --quiet "$service")
  if [ -z "$old" ]; then
    echo "$service: no process runs. Start the services first, with compose up --wait." >&2
    exit 1
  fi
  count=$(echo "$old" | wc -l)
  for container in $old; do
    # if the new process does not become ready, compose fails here, and the old ones go on
    compose up --detach --wait --no-deps --no-recreate --scale "$service=$((count + 1))" "$service"
    # SIGTERM: it is not ready from now on, and goes on for SHUTDOWN_DELAY seconds
    docker stop "$container"
    docker rm "$container"
  done
done

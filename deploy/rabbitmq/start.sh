#!/bin/sh
# Starts RabbitMQ in its container. It imports its users, their rights and the queues at each start, so they are also there
# in a volume of an earlier version, and a new password counts from the next start on.
set -eu
umask 077

# A password is in a file of docker-compose.production.yml, or else in the environment.
secret() { if [ -f "/run/secrets/$1" ]; then cat "/run/secrets/$1"; else printenv "$1"; fi; }
for name in RABBITMQ_PASSWORD RABBITMQ_API_PASSWORD RABBITMQ_WORKER_PASSWORD; do
  [ -n "$(secret "$name")" ] || { echo "$name is missing" >&2; exit 1; }
done
in_json() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
user() { printf '{"name":"%s","password":"%s","tags":"%s"}' "$1" "$(in_json "$(secret "$2")")" "$3"; }
mkdir -p /tmp/definitions
# Files are imported in the order of their names.
printf '{"users":[%s,%s,%s]}' \
  "$(user healify RABBITMQ_PASSWORD administrator)" \
  "$(user healify-api RABBITMQ_API_PASSWORD '')" \
  "$(user healify-worker RABBITMQ_WORKER_PASSWORD '')" >/tmp/definitions/1-users.json
cp /etc/healify/definitions.json /tmp/definitions/2-rights-and-queues.json
unset RABBITMQ_PASSWORD RABBITMQ_API_PASSWORD RABBITMQ_WORKER_PASSWORD
exec docker-entrypoint.sh rabbitmq-server

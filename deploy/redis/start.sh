#!/bin/sh
# Starts Redis in its container, with the users of users.acl. The users live in a file that is written at each start, so
# they are still there after a restart, and a new password counts from the next start on.
set -eu
umask 077

# A password is in a file of docker-compose.production.yml, or else in the environment.
secret() { if [ -f "/run/secrets/$1" ]; then cat "/run/secrets/$1"; else printenv "$1"; fi; }
for name in REDIS_PASSWORD REDIS_API_PASSWORD REDIS_WORKER_PASSWORD; do
  [ -n "$(secret "$name")" ] || { echo "$name is missing" >&2; exit 1; }
done
# The passwords stand in the file as their SHA-256, so a password may hold any letter.
hash_of() { printf %s "$(secret "$1")" | sha256sum | cut -c 1-64; }
sed -e "s/#REDIS_PASSWORD/#$(hash_of REDIS_PASSWORD)/" \
  -e "s/#REDIS_API_PASSWORD/#$(hash_of REDIS_API_PASSWORD)/" \
  -e "s/#REDIS_WORKER_PASSWORD/#$(hash_of REDIS_WORKER_PASSWORD)/" \
  /etc/healify/users.acl >/tmp/users.acl
unset REDIS_PASSWORD REDIS_API_PASSWORD REDIS_WORKER_PASSWORD
# REDIS_CONFIG names a file of settings, as docker-compose.tls.yml does.
exec docker-entrypoint.sh redis-server ${REDIS_CONFIG:+"$REDIS_CONFIG"} "$@" --aclfile /tmp/users.acl

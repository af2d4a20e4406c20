#!/bin/sh
# Asks a question, and prints the events of its answer while it is being written. It needs curl and sed.
#
#   HEALIFY_EMAIL=you@example.com HEALIFY_PASSWORD=... sh ask.sh "What are healthy eating habits?"
#
# HEALIFY_API is where the api is; http://localhost:3000 if not said. docs/protocol.md explains the events.
set -eu

api="${HEALIFY_API:-http://localhost:3000}"
question="${1:?Usage: sh ask.sh \"a question\"}"

# Gives one field of a flat JSON object.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# Gives a text as a JSON string.
quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g')"; }

# The token and the password come over standard input, because everybody on a machine sees the arguments of its commands.
post() {
  printf '%s' "$2" | curl -sS --fail-with-body "$api$1" -H 'Content-Type: application/json' --data-binary @- ${3:+-K "$3"}
}
# The reply of an api that refuses says why.
refused() {
  printf '%s\n' "$reply" >&2
  exit 1
}

secrets="$(mktemp)"
trap 'rm -f "$secrets" "$secrets.last"' EXIT
reply="$(post /auth/login "{\"email\":$(quoted "$HEALIFY_EMAIL"),\"password\":$(quoted "$HEALIFY_PASSWORD")}")" || refused
printf 'header = "Authorization: Bearer %s"\n' "$(printf '%s' "$reply" | field accessToken)" > "$secrets"

reply="$(post /chat/send "{\"message\":$(quoted "$question"),\"stream\":true}" "$secrets")" || refused
request="$(printf '%s' "$reply" | field requestId)"

# -N prints each event at once. If the connection breaks, we go on after the last event that we have seen.
last=""
until [ "$last" = ended ]; do
  curl -sSN -K "$secrets" ${last:+-H "Last-Event-ID: $last"} "$api/chat/requests/$request/events" |
    while IFS= read -r line; do
      printf '%s\n' "$line"
      case "$line" in
        id:*) echo "${line#id: }" > "$secrets.last" ;;
        "event: completed" | "event: failed" | "event: cancelled") echo ended > "$secrets.last" ;;
      esac
    done
  last="$(cat "$secrets.last" 2> /dev/null || true)"
  [ "$last" = ended ] || sleep 1
done

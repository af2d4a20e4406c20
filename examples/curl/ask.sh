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

secrets="$(mktemp)"
trap 'rm -f "$secrets" "$secrets.last"' EXIT
token="$(post /auth/login "{\"email\":$(quoted "$HEALIFY_EMAIL"),\"password\":$(quoted "$HEALIFY_PASSWORD")}" | field accessToken)"
printf 'header = "Authorization: Bearer %s"\n' "$token" > "$secrets"

request="$(post /chat/send "{\"message\":$(quoted "$question"),\"stream\":true}" "$secrets" | field requestId)"

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

#!/bin/sh
# Starts Prometheus in its container, with the bearer token of /metrics in the file that prometheus.yml names.
set -eu
umask 077
if [ -n "${METRICS_TOKEN_FILE:-}" ]; then cat "$METRICS_TOKEN_FILE"; else printf %s "${METRICS_TOKEN:-}"; fi >/tmp/metrics-token
unset METRICS_TOKEN
exec /bin/prometheus "$@"

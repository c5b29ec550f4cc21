#!/bin/sh
# Health check of a container: exit code 0 if its process has written `ready` to HEALTH_FILE within the last 10 s.
# Otherwise one line says why not. See health_file.py.
fail() {
    echo "not healthy: $1"
    exit 1
}
[ -f "$HEALTH_FILE" ] || fail "there is no file ${HEALTH_FILE:-HEALTH_FILE}: the process has not started"
[ -n "$(find "$HEALTH_FILE" -newermt '10 seconds ago')" ] || fail "no heartbeat for 10 s: the process hangs"
[ -z "$(find "$HEALTH_FILE" -newermt '10 seconds')" ] || fail "the heartbeat is of the future: the clock was set back"
read -r state <"$HEALTH_FILE"
[ "$state" = ready ] || fail "$state"

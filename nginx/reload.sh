#!/bin/sh
# Run by the image before nginx: watches the certificate in the background and reloads nginx when it changes.
# Open WebSockets stay with the old worker processes until they end.
set -eu

fingerprint() {
    cat /certificates/fullchain.pem /certificates/privkey.pem 2>/dev/null | cksum
}

watch() {
    loaded=$(fingerprint)
    refused=
    while sleep 10; do
        found=$(fingerprint)
        [ "$found" != "$loaded" ] || continue
        # Only one file of a new pair may be there so far: the next round tries again.
        if problem=$(nginx -t -q 2>&1) && nginx -s reload; then
            echo '{"service":"nginx","event":"certificate reloaded"}'
            loaded=$found
        elif [ "$found" != "$refused" ]; then
            echo "The new certificate cannot be served; the old one stays: $problem" >&2
            refused=$found
        fi
    done
}

watch &

#!/bin/sh
# Run by the image before it fills in the templates: refuses invalid values and names the setting.
set -eu

number() { # NAME VALUE MINIMUM
    case $2 in
        "" | *[!0-9]* | ??????????*) ;;
        *) [ "$2" -lt "$3" ] || return 0 ;;
    esac
    echo "error: $1 must be a whole number from $3 to 999999999, without a unit. Correct it in .env." >&2
    exit 2
}

number HTTPS_PORT "${HTTPS_PORT}" 1
number NGINX_HSTS_S "${NGINX_HSTS_S}" 0
number NGINX_MAX_CONNECTIONS_PER_ADDRESS "${NGINX_MAX_CONNECTIONS_PER_ADDRESS}" 1
number NGINX_HANDSHAKES_PER_S "${NGINX_HANDSHAKES_PER_S}" 1

case ${NGINX_TRUSTED_PROXY} in
    "" | *[!0-9a-fA-F.:/]*)
        echo "error: NGINX_TRUSTED_PROXY must be one address or network, such as 172.16.0.0/12. Correct it in .env." >&2
        exit 2
        ;;
esac

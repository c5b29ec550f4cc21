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

networks() { # VALUE
    found=
    set -f # no file names in the place of *
    for network in $(echo "$1" | tr ',' ' '); do
        found=1
        prefix=${network#*/}
        case ${network%%/*} in
            *[!0-9a-fA-F.:]*) return 1 ;;
            *:*) longest=128 ;;
            *.*.*.*) longest=32 ;;
            *) return 1 ;;
        esac
        [ "$prefix" != "$network" ] || continue
        case $prefix in "" | *[!0-9]* | ????*) return 1 ;; esac
        [ "$prefix" -le "$longest" ] || return 1
    done
    [ -n "$found" ]
}

networks "${NGINX_TRUSTED_PROXY}" || {
    echo "error: NGINX_TRUSTED_PROXY must be addresses or networks separated by commas, such as 172.16.0.0/12,10.0.0.5. Correct it in .env." >&2
    exit 2
}

case ${NGINX_LOGIN_PROXY:-} in
    *[!a-zA-Z0-9_.:-]*)
        echo "error: NGINX_LOGIN_PROXY must be a host and a port, such as oauth2_proxy:4180. Correct it in .env." >&2
        exit 2
        ;;
esac

case ${NGINX_PLAIN_HTTP} in
    redirect | serve) ;;
    *)
        echo "error: NGINX_PLAIN_HTTP must be redirect or serve. Correct it in .env." >&2
        exit 2
        ;;
esac

#!/bin/sh
# Run by the image after check-settings.sh: writes the proxies of NGINX_TRUSTED_PROXY, of which there may be several, as
# configuration: nginx takes one network in each directive.
set -eu

folder=${1:-/etc/nginx/conf.d}
networks=$(echo "${NGINX_TRUSTED_PROXY}" | tr ',' ' ')
{
    for network in $networks; do
        echo "set_real_ip_from $network;"
    done
    echo 'geo $realip_remote_addr $from_proxy {'
    echo '    default 0;'
    for network in $networks; do
        echo "    $network 1;"
    done
    echo '}'
} >"$folder/trusted-proxy.conf"

#!/bin/sh
# Run by the image before nginx: takes the name server of this container's network as nginx's resolver. Docker's is
# 127.0.0.11, Podman's has the address of the network. Only the first one: others have not the names of the gateways, and
# nginx would take them in turn.
set -eu

folder=${1:-/etc/nginx/conf.d}
file=${2:-/etc/resolv.conf}
server=$(sed -n 's/^[[:space:]]*nameserver[[:space:]]\{1,\}\([^[:space:]]*\).*/\1/p' "$file" | head -n 1)
case $server in
    "")
        echo "error: $file names no name server, so that nginx cannot find the gateways. Start this container in a network that has one." >&2
        exit 2
        ;;
    *:*) server="[${server%%\%*}]" ;; # IPv6
esac
# Resolved again every few seconds, so that gateways may be added and removed; needs the variable $gateway.
echo "resolver $server valid=5s ipv6=off;" >"$folder/resolver.conf"

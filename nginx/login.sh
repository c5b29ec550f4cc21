#!/bin/sh
# Run by the image before nginx: with NGINX_LOGIN_PROXY, each request is first shown to oauth2-proxy, which names the person
# that it has signed in. Nobody is turned away here: who may do what is decided by the gateway alone.
set -eu

folder=${1:-/etc/nginx/conf.d}
: >"$folder/login-request.inc"
: >"$folder/login.inc"
[ -n "${NGINX_LOGIN_PROXY:-}" ] || exit 0

cat >"$folder/login-request.inc" <<'END'
auth_request /oauth2/person;
auth_request_set $person $upstream_http_x_auth_request_email;
END
cat >"$folder/login.inc" <<END
set \$login_proxy ${NGINX_LOGIN_PROXY};

location /oauth2/ {
    proxy_redirect off; # it sends people to the provider
    proxy_pass http://\$login_proxy;
}

location = /oauth2/person {
    internal;
    proxy_pass http://\$login_proxy/oauth2/auth;
    proxy_pass_request_body off;
    proxy_method GET;
    proxy_http_version 1.1;
    proxy_set_header Host \$public_host;
    proxy_set_header X-Forwarded-Host \$public_host;
    proxy_set_header X-Forwarded-Proto \$public_scheme;
    proxy_set_header X-Forwarded-For \$remote_addr;
    proxy_set_header Content-Length "";
    proxy_set_header Authorization ""; # keys are for the gateway
    proxy_connect_timeout 1s;
    proxy_read_timeout 3s;
    proxy_intercept_errors on;
    error_page 401 403 500 502 503 504 = @nobody; # also while it is away: keys and links go on
}

location @nobody {
    return 204;
}
END

#!/bin/sh
# Gets a certificate from Let's Encrypt, copies it to nginx's folder, and renews it: runs certbot twice a day, which
# renews when it is due. nginx answers the challenges and reloads when the files change (reload.sh).
set -u

: "${LETSENCRYPT_NAMES:?names the hosts of the certificate, such as talk.duckdns.org}"
name=whisper-text-analyzer
uid=101 # of nginx

if [ -n "${LETSENCRYPT_EMAIL:-}" ]; then
    account="--email $LETSENCRYPT_EMAIL"
else
    account="--register-unsafely-without-email"
fi

obtain() {
    # shellcheck disable=SC2086 # two words
    certbot certonly --non-interactive --agree-tos $account \
        --server "${LETSENCRYPT_SERVER:-https://acme-v02.api.letsencrypt.org/directory}" \
        --webroot --webroot-path /var/www/acme \
        --cert-name "$name" --domains "$LETSENCRYPT_NAMES" --keep-until-expiring
}

# Runs after every attempt: the volume may be new even if nothing was renewed.
install_file() {
    from=/etc/letsencrypt/live/$name/$1
    to=/certificates/$1
    cmp -s "$from" "$to" && return
    rm -f "$to.new"
    (umask 077 && cp "$from" "$to.new") && chown "$uid:$uid" "$to.new" && mv "$to.new" "$to"
}

trap 'exit 0' TERM INT
while :; do
    if obtain && install_file privkey.pem && install_file fullchain.pem; then
        pause=43200 # 12 hours
    else
        echo "No certificate this time; the reason is above. Trying again in an hour." >&2
        pause=3600 # Let's Encrypt allows five failures an hour
    fi
    sleep "$pause" &
    wait $!
done

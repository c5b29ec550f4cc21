#!/bin/sh
# Gets a certificate from Let's Encrypt, puts it where nginx serves from, and renews it: asks twice a day, and certbot
# renews what is due. nginx answers the challenges and notices the new files (reload.sh).
set -u

: "${LETSENCRYPT_NAMES:?names the hosts of the certificate, such as talk.duckdns.org}"
name=whisper-text-analyzer
uid=101 # the user that nginx runs as

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

# Also when nothing was renewed: the volume may be new.
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

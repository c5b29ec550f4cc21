"""Which certificate is served: your own, one that somebody else put into the folder, or one from the private CA."""

import datetime as dt
from collections.abc import Collection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certificates.authority import Authority, ensure_authority, is_private
from certificates.pair import PUBLIC, Pair, names_of, replace
from wire.errors import ConfigurationError

RENEW_BEFORE = dt.timedelta(days=30)


def served_pair(folder: Path) -> Pair:
    """The files that nginx, the gateway and certbot's script agree on."""
    return Pair(folder / "fullchain.pem", folder / "privkey.pem")


def copy_own(own: Pair, folder: Path, now: dt.datetime | None = None) -> Pair:
    """Serve your own files, if they can be served.

    Raises:
        ConfigurationError: they do not belong together, or are not valid today.
    """
    now = now or dt.datetime.now(dt.UTC)
    certificate, _ = own.load()
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise ConfigurationError(
            "certificate_not_valid",
            f"{own.cert} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} "
            f"to {certificate.not_valid_after_utc:%Y-%m-%d}, which is not today.",
            "Get a new one from its issuer, or leave CERTIFICATES_CERT and CERTIFICATES_KEY empty.",
        )
    served = served_pair(folder)
    served.write_pem(own.cert.read_bytes(), own.key.read_bytes())
    return served


def ensure_certificate(
    folder: Path, names: Collection[str], ca_folder: Path | None = None, now: dt.datetime | None = None
) -> Pair:
    """The certificate in ``folder``, made anew when it is missing, expires soon, or lacks one of ``names``.

    One that another CA issued (Let's Encrypt's, or an earlier copy of your own) stays until it has expired.
    """
    now = now or dt.datetime.now(dt.UTC)
    ca_folder = ca_folder or folder
    authority = ensure_authority(Pair(ca_folder / "ca.pem", ca_folder / "ca-key.pem"), now)
    if ca_folder != folder:  # for people to take away; the key stays where it is
        replace(folder / "ca.pem", authority.certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)
    served = served_pair(folder)
    if not _can_stay(served, authority, names, now):
        served.write(*authority.issue(names, now))
    return served


def _can_stay(served: Pair, authority: Authority, names: Collection[str], now: dt.datetime) -> bool:
    try:
        certificate, _ = served.load()
    except ConfigurationError:  # missing, half written, or of two pairs
        return False
    if is_private(certificate):
        return (
            authority.has_issued(certificate)
            and certificate.not_valid_after_utc - RENEW_BEFORE > now
            and set(names) <= names_of(certificate)
        )
    return now < certificate.not_valid_after_utc


def describe(certificate: x509.Certificate) -> dict[str, object]:
    """What an operator wants to know about it."""
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "names": sorted(names_of(certificate)),
        "valid_until": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
    }

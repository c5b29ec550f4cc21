"""Chooses the certificate: the operator's own, one that certbot put into the folder, or one from the private CA."""

import datetime as dt
from collections.abc import Collection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certificates.authority import Authority, ensure_authority, is_private
from certificates.pair import PUBLIC, Pair, names_of, replace
from wire.errors import ConfigurationError

RENEW_BEFORE = dt.timedelta(days=30)
"""A certificate from the private CA is renewed this long before it expires."""


def served_pair(folder: Path) -> Pair:
    """Return the paths that nginx, the gateway and ``nginx/certbot-renew.sh`` use too."""
    return Pair(folder / "fullchain.pem", folder / "privkey.pem")


def copy_own(own: Pair, folder: Path, now: dt.datetime | None = None) -> Pair:
    """Check the operator's own files and copy them to ``folder``.

    Raises:
        ConfigurationError: they cannot be read, do not belong together, or are not valid today.
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
    """Return the certificate in ``folder``; issue a new one if it is missing, expires soon, or lacks one of ``names``.

    A certificate of another CA (Let's Encrypt, or a copy of the operator's own) is kept until it has expired.

    Args:
        folder: the web server's folder.
        names: host names and addresses.
        ca_folder: folder of the private CA; None for the same one.
        now: the present; None for the system's clock.

    Raises:
        ConfigurationError: the private CA cannot be used, or a folder cannot be written.
    """
    now = now or dt.datetime.now(dt.UTC)
    ca_folder = ca_folder or folder
    authority = ensure_authority(Pair(ca_folder / "ca.pem", ca_folder / "ca-key.pem"), now)
    if ca_folder != folder:  # for download by users; the key stays in ca_folder
        replace(folder / "ca.pem", authority.certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)
    served = served_pair(folder)
    if not _can_stay(served, authority, names, now):
        served.write(*authority.issue(names, now))
    return served


def _can_stay(served: Pair, authority: Authority, names: Collection[str], now: dt.datetime) -> bool:
    try:
        certificate, _ = served.load()
    except ConfigurationError:  # missing, damaged, or from two pairs
        return False
    if is_private(certificate):
        return (
            authority.has_issued(certificate)
            and certificate.not_valid_after_utc - RENEW_BEFORE > now
            and set(names) <= names_of(certificate)
        )
    return now < certificate.not_valid_after_utc


def describe(certificate: x509.Certificate) -> dict[str, object]:
    """Return issuer, names and end of validity, for the log."""
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "names": sorted(names_of(certificate)),
        "valid_until": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
    }

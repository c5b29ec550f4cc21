"""The private CA: made once, to be trusted once on each device; it issues every certificate that is made here."""

import datetime as dt
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certificates.pair import Pair
from wire.errors import ConfigurationError

ORGANISATION = "WhisperTextAnalyzer private CA"
"""In the name of every CA made here; identifies our certificates even if the CA's files are lost."""
CA_VALID_FOR = dt.timedelta(days=3650)
VALID_FOR = dt.timedelta(days=365)
"""Validity of a server certificate; browsers and Apple devices reject those that are valid for more than 398 days."""
CLOCK_TOLERANCE = dt.timedelta(hours=1)
"""A client's clock may be this much behind."""


@dataclass(frozen=True)
class Authority:
    """A CA certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def issue(self, names: Iterable[str], now: dt.datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Issue a server certificate for ``names`` with a new key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WhisperTextAnalyzer")])
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in sorted(names)])
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(subject, self.certificate.subject, key, now, VALID_FOR)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer_id, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return certificate, key

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Return whether this CA's key signed it; the name alone is not enough."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):  # another name, kind of key, or key
            return False
        return True


def is_private(certificate: x509.Certificate) -> bool:
    """Return whether a CA made here issued it, the present or an earlier one."""
    return any(
        name.value == ORGANISATION for name in certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    )


def ensure_authority(files: Pair, now: dt.datetime) -> Authority:
    """Load the CA in ``files``; make a new one if there is none, or if it expires before the certificates it issues.

    Raises:
        ConfigurationError: its files cannot be used; replacing it would mean to trust the new one on every device.
    """
    if files.cert.exists():
        authority = _load(files)
        if authority.certificate.not_valid_after_utc > now + VALID_FOR:
            return authority
    authority = _make(now)
    files.write(authority.certificate, authority.key)
    return authority


def _load(files: Pair) -> Authority:
    try:
        certificate, key = files.load()
    except ConfigurationError as error:
        raise _unusable(files, error.message) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _unusable(files, f"{files.key} is not a key that was made here.")
    return Authority(certificate, key)


def _unusable(files: Pair, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "bad_authority",
        f"The private CA cannot be used: {reason}",
        f"Restore {files.cert.name} and {files.key.name} from a backup; or move both to another folder, and trust the "
        "new one on every device.",
    )


def _make(now: dt.datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            # unique, as one device may trust several installations
            x509.NameAttribute(NameOID.COMMON_NAME, f"WhisperTextAnalyzer {secrets.token_hex(3)}"),
        ]
    )
    certificate = (
        _builder(name, name, key, now, CA_VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, valid_for: dt.timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_TOLERANCE)
        .not_valid_after(now - CLOCK_TOLERANCE + valid_for)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)

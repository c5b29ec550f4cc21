"""A self-signed certificate for phones on the same network: browsers give the microphone to HTTPS pages only."""

import datetime as dt
import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = dt.timedelta(days=397)  # Apple refuses server certificates that are valid for longer than 398 days
RENEW_BEFORE = dt.timedelta(days=7)


@dataclass(frozen=True)
class Certificate:
    """Two PEM files."""

    cert: Path
    key: Path


def ensure_certificate(folder: Path, lan: Iterable[str], now: dt.datetime | None = None) -> Certificate:
    """The certificate in ``folder``, made anew when it is missing, expires soon, or lacks one of today's names."""
    now = now or dt.datetime.now(dt.UTC)
    files = Certificate(folder / "cert.pem", folder / "key.pem")
    names = {name for name in ("localhost", "127.0.0.1", socket.gethostname(), *lan) if name.isascii()}
    if not (files.key.is_file() and _is_good(files.cert, names, now)):
        folder.mkdir(parents=True, exist_ok=True)
        _write(files, names, now)
    return files


def names_of(cert: Path) -> set[str]:
    """The host names and addresses that a certificate is good for."""
    extension = _load(cert).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = extension.get_values_for_type(x509.IPAddress)
    return set(extension.get_values_for_type(x509.DNSName)) | {str(address) for address in addresses}


def _load(cert: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(cert.read_bytes())


def _is_good(cert: Path, names: set[str], now: dt.datetime) -> bool:
    try:
        return _load(cert).not_valid_after_utc - RENEW_BEFORE > now and names <= names_of(cert)
    except (OSError, ValueError, x509.ExtensionNotFound):  # missing, half written, or someone else's
        return False


def _write(files: Certificate, names: set[str], now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WhisperTextAnalyzer on this machine")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # phones' clocks may be slow
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files.cert.unlink(missing_ok=True)  # written last: a certificate that is there belongs to the key that is there
    files.key.unlink(missing_ok=True)
    with os.fdopen(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as private:
        private.write(pem)
    files.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)

"""A certificate and its private key as two PEM files, which are checked to belong together."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from wire.errors import ConfigurationError

PRIVATE = 0o600
PUBLIC = 0o644


@dataclass(frozen=True)
class Pair:
    """Paths of a certificate and its private key."""

    cert: Path
    """PEM: the server's certificate, then the intermediate ones up to a CA."""
    key: Path

    def load(self) -> tuple[x509.Certificate, PrivateKeyTypes]:
        """Read the first certificate and its key.

        Raises:
            ConfigurationError: a file is missing or damaged, or the key belongs to another certificate.
        """
        certificate = _read_certificate(self.cert)
        key = _read_key(self.key)
        if certificate.public_key() != key.public_key():
            raise ConfigurationError(
                "certificate_mismatch",
                f"The key in {self.key} is not the one of the first certificate in {self.cert}.",
                "Name the key that this certificate was requested with; the server's certificate comes first.",
            )
        return certificate, key

    def write(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Replace both files."""
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.write_pem(certificate.public_bytes(serialization.Encoding.PEM), pem)

    def write_pem(self, cert: bytes, key: bytes) -> None:
        """Replace both files; a crash between the two leaves a pair that ``load`` refuses."""
        replace(self.key, key, PRIVATE)
        replace(self.cert, cert, PUBLIC)


def names_of(certificate: x509.Certificate) -> set[str]:
    """Return the host names and addresses that a certificate is valid for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = names.get_values_for_type(x509.IPAddress)
    return set(names.get_values_for_type(x509.DNSName)) | {str(address) for address in addresses}


def replace(file: Path, content: bytes, mode: int) -> None:
    """Write a file atomically: readers see the old or the new content.

    Args:
        file: the file; its folder is created.
        content: the new content.
        mode: permissions, from the first byte on.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    new = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as writer:
            writer.write(content)
            writer.flush()
            os.fsync(writer.fileno())
        new.replace(file)
    except OSError as error:
        raise ConfigurationError(
            "certificate_not_written",
            f"{file} cannot be written ({error.strerror}).",
            f"Give the user with the id {os.getuid()} a folder that it may write to.",
        ) from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            "certificate_unreadable",
            f"{file} cannot be read ({error.strerror}).",
            f"The user with the id {os.getuid()} must be able to read it.",
        ) from error


def _read_certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(file))[0]
    except ValueError as error:
        raise ConfigurationError(
            "bad_certificate", f"{file} is not a certificate in PEM.", "It begins with -----BEGIN CERTIFICATE-----."
        ) from error


def _read_key(file: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(_read(file), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a passphrase
        raise ConfigurationError(
            "bad_key",
            f"{file} is not a private key in PEM without a passphrase.",
            "Remove the passphrase, for example with openssl pkey, and protect the file by its permissions.",
        ) from error

"""Settings of the certificates, read from ``CERTIFICATES_*``."""

import ipaddress
import re
from pathlib import Path

from pydantic import field_validator, model_validator

from infra.settings import WireSettings, service_config

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.IGNORECASE)


class Settings(WireSettings):
    """Certificate settings: ``CERTIFICATES_*``, and those that all services share."""

    model_config = service_config("CERTIFICATES_")

    dir: Path = Path("/certificates")
    """Folder that the certificate is served from; the web server's user must be able to read the key in it."""
    ca_dir: Path | None = None
    """Folder of the private CA, which the web server need not read; empty for the same folder."""
    names: str = "localhost,127.0.0.1"
    """Comma-separated host names and addresses of the page; adding one makes a new certificate."""
    cert: Path | None = None
    """PEM file with your own certificate, the server's first; with ``key`` it is served instead."""
    key: Path | None = None
    """PEM file with its private key, without a passphrase."""

    @field_validator("names")
    @classmethod
    def _can_be_certified(cls, names: str) -> str:
        if not _split(names):
            raise ValueError("at least one name is needed")
        for name in _split(names):
            if not (_address(name) or _HOST_NAME.fullmatch(name)):
                raise ValueError(f"{name!r} is neither a host name nor an address (no scheme, port or path)")
        return names

    @model_validator(mode="after")
    def _both_or_neither(self) -> "Settings":
        if (self.cert is None) != (self.key is None):
            raise ValueError("CERTIFICATES_CERT and CERTIFICATES_KEY belong together: set both or neither")
        return self

    @property
    def host_names(self) -> frozenset[str]:
        """``names`` as a set, each as a certificate writes it."""
        return frozenset(_address(name) or name.lower() for name in _split(self.names))


def _split(names: str) -> list[str]:
    return [name for name in names.replace(" ", "").split(",") if name]


def _address(name: str) -> str | None:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None

"""Which certificates of a gateway are accepted."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from wire.errors import ConfigurationError


@dataclass(frozen=True)
class Tls:
    """Trust in certificates. By default the system's authorities, and those of ``SSL_CERT_FILE``, are trusted."""

    authority: Path | None = None
    """File of certificates (PEM) that are trusted besides, such as the authority that a gateway made for itself."""
    insecure: bool = False
    """Accept any certificate: audio and key may go to anybody."""

    def context(self) -> ssl.SSLContext:
        """Return the settings of a connection.

        Raises:
            ConfigurationError: the file of the authority cannot be read.
        """
        context = ssl.create_default_context()
        if self.authority is not None:
            try:
                context.load_verify_locations(self.authority)
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(
                    "bad_authority",
                    f"{self.authority} has no certificates that can be read ({error.strerror or 'no PEM file'}).",
                    "Give the file of the authority, such as ca.pem, with --ca.",
                ) from None
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

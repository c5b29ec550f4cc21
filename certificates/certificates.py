"""Entry point: ``python -m certificates.certificates``. Runs to its end before nginx starts."""

import sys

import structlog

from certificates.pair import Pair
from certificates.server import copy_own, describe, ensure_certificate
from certificates.settings import Settings
from infra.logs import configure_logs
from infra.settings import load_settings_or_exit
from wire.errors import ConfigurationError

log = structlog.get_logger()


def main() -> None:
    """Put the certificate into its folder; on an error print the remedy and exit with code 2."""
    settings = load_settings_or_exit(Settings)
    configure_logs(settings, "certificates")
    try:
        served = _serve(settings)
        certificate, _ = served.load()
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    log.info("certificate ready", file=str(served.cert), **describe(certificate))


def _serve(settings: Settings) -> Pair:
    if settings.cert is not None and settings.key is not None:
        return copy_own(Pair(settings.cert, settings.key), settings.dir)
    return ensure_certificate(settings.dir, settings.host_names, settings.ca_dir)


if __name__ == "__main__":
    main()

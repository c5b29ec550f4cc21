"""nginx refuses to start with invalid settings and names them."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.nginx import DEFAULTS

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "nginx" / "check-settings.sh"


def check(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", SCRIPT], env=DEFAULTS | settings, capture_output=True, text=True)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"NGINX_HSTS_S": "31536000"},
        {"NGINX_TRUSTED_PROXY": "fd00::/8"},
        {"NGINX_TRUSTED_PROXY": "172.16.0.0/12"},
        {"NGINX_TRUSTED_PROXY": "172.16.0.0/12,10.0.0.5"},
        {"NGINX_TRUSTED_PROXY": "::1, 10.0.0.0/8 192.168.1.7"},
        {"NGINX_PLAIN_HTTP": "serve"},
        {"NGINX_LOGIN_PROXY": "oauth2_proxy:4180"},
    ],
)
def test_check_settings_accepts_valid_settings(settings: dict[str, str]) -> None:
    """The defaults, and the values in the documentation."""
    assert check(**settings).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PORT", "https"),
        ("NGINX_HSTS_S", "1y"),
        ("NGINX_HSTS_S", "-1"),
        ("NGINX_HANDSHAKES_PER_S", "0"),
        ("NGINX_HANDSHAKES_PER_S", "20r/s"),
        ("NGINX_MAX_CONNECTIONS_PER_ADDRESS", ""),
        ("NGINX_MAX_CONNECTIONS_PER_ADDRESS", "99999999999999999999"),
        ("NGINX_TRUSTED_PROXY", "proxy; return 200"),
        ("NGINX_TRUSTED_PROXY", ","),
        ("NGINX_TRUSTED_PROXY", "*"),
        ("NGINX_TRUSTED_PROXY", "10.0.0.0/33"),
        ("NGINX_TRUSTED_PROXY", "10.0.0.0/8/8"),
        ("NGINX_TRUSTED_PROXY", "10.0.0.1,10"),
        ("NGINX_PLAIN_HTTP", "on"),
        ("NGINX_LOGIN_PROXY", "login;return 200"),
    ],
)
def test_check_settings_refuses_an_invalid_setting_by_name(name: str, value: str) -> None:
    """The error names the setting, not a line of the generated configuration."""
    done = check(**{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {name} ")


def test_env_example_describes_the_burst_that_nginx_takes() -> None:
    """nginx's ``burst`` counts those that are not delayed too."""
    template = (ROOT / "nginx" / "templates" / "gateway.inc.template").read_text(encoding="utf-8")
    burst, at_once = map(int, re.findall(r"limit_req zone=\w+ burst=(\d+) delay=(\d+);", template)[0])
    example = " ".join((ROOT / ".env.example").read_text(encoding="utf-8").replace("\n# ", " ").split())
    assert f"{at_once} may come at once, {burst - at_once} more are slowed down" in example

"""Apache with mod_auth_openidc, a relying party of OpenID Connect, in the place of oauth2-proxy at its addresses."""

import subprocess
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.nginx import listens

PROGRAM = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
START_S = 10
CONFIGURATION = """
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DocumentRoot {modules}
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule rewrite_module {modules}/mod_rewrite.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
User nobody
Group nogroup

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID talk
OIDCClientSecret secret
OIDCRedirectURI {page}/oauth2/callback
OIDCCryptoPassphrase "any passphrase of this test"
OIDCScope "openid email"
OIDCRemoteUserClaim email
OIDCPKCEMethod S256
OIDCXForwardedHeaders X-Forwarded-Host X-Forwarded-Proto
OIDCSessionMaxDuration {session_s}

<Location />
    Require all denied
</Location>
<Location /oauth2/>
    AuthType openid-connect
    Require valid-user
    RewriteEngine On
</Location>
<Location /oauth2/start>
    RewriteRule ^ {page}/ [R=302,QSD,L]
</Location>
<Location /oauth2/auth>
    OIDCUnAuthAction 401
    Header always set X-Auth-Request-Email "expr=%{{REMOTE_USER}}"
    RewriteRule ^ - [R=204,L]
</Location>
<Location /oauth2/sign_out>
    AuthType None
    Require all granted
    RewriteRule ^ {page}/oauth2/callback?logout={page}/ [R=302,L]
</Location>
"""
"""``User`` and ``Group`` count for root only, whom Apache would not serve as."""


class SignInProxy:
    """Runs from its making to ``end``."""

    def __init__(self, folder: Path, port: int, issuer: str, page: str, *, session_s: int = 3_600) -> None:
        """Wait until it listens.

        Args:
            folder: gets its files.
            port: to listen on.
            issuer: address of the provider.
            page: address by which browsers reach it, through nginx.
            session_s: longest duration of a sign-in, 15 s at least.
        """
        assert (MODULES / "mod_auth_openidc.so").exists(), (
            "mod_auth_openidc is missing. Install it (Debian, Ubuntu: apt install libapache2-mod-auth-openidc)."
        )
        folder.mkdir()
        file = folder / "apache.conf"
        values = {"folder": folder, "port": port, "issuer": issuer, "page": page, "session_s": session_s}
        file.write_text(CONFIGURATION.format(modules=MODULES, **values), encoding="utf-8")
        with (folder / "output.log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-f", file, "-D", "FOREGROUND"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(lambda: self._process.poll() is not None or listens(port), START_S)
        assert self._process.poll() is None, "".join(log.read_text(encoding="utf-8") for log in folder.glob("*.log"))

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(START_S)

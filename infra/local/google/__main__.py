"""Starts the Google stand-in: everything of Google that Secciones speaks to, over one sample state.

    python -m infra.local.google --port 8081 --state .local/google

Options (all but --port and --state have defaults that fit `make run`):

--port N                the port to listen on, on 127.0.0.1
--state DIR             folder of the state (SQLite); made if missing, survives a restart
--sample DIR            folder with accounts.csv and people.csv (default infra/local/sample);
                        accounts that the state does not know yet are added at every start,
                        those it knows are left as they are
--public-url URL        base of every address it hands out, and the issuer of its tokens
                        (default http://localhost:PORT)
--domain DOMAIN         the Workspace domain (default clases.edu.sv); accounts.csv may hold
                        people of other domains: they can sign in, get no `hd`, and are
                        unknown to the Directory
--client-id ID          the OAuth client (default secciones-local.apps.googleusercontent.com)
--client-secret TEXT    its secret (default secciones-local: it opens sample data only);
                        or in the environment as GOOGLE_STAND_IN_CLIENT_SECRET
--redirect-uri URI      repeatable (default http://localhost:8080/secciones/oauth2/callback)
--key-file EMAIL=PATH   repeatable: a service account with a key; the throw-away key file is
                        made at PATH (mode 600) if it is missing, its public key registered,
                        and its token_uri brought up to date if the address has changed
--token-uri URL         the token_uri written in key files (default PUBLIC_URL/token)
--service-account EMAIL repeatable: a service account without a key of its own; login@,
                        worker@, tasks@ and scheduler@secciones-local.iam.gserviceaccount.com
                        always exist
--grant EMAIL=SCOPE,…   repeatable: scopes of domain-wide delegation, replacing the account's
                        defaults (worker@: admin.directory.user, admin.directory.user.readonly,
                        gmail.send, gmail.readonly; any other: admin.directory.user.readonly)
--kms-key NAME          repeatable (default projects/secciones-local/locations/us-central1/
                        keyRings/secciones/cryptoKeys/seeds)
--quota N               Directory calls a minute for each impersonated user (default 2400)
--latency API=SECONDS   repeatable: every call of that API takes so much longer

What it serves, under PUBLIC_URL:

/.well-known/openid-configuration, /o/oauth2/v2/auth, /token, /oauth2/v3/certs (JWK),
/oauth2/v1/certs (PEM), /v1/userinfo, /revoke     OpenID provider and OAuth 2.0
/token with a JWT-bearer assertion                service accounts, domain-wide delegation
/v1/projects/-/serviceAccounts/…                  IAM Credentials
/admin/directory/v1/users…, /batch                Directory (also /batch/admin/directory_v1)
/gmail/v1/users/…, /upload/gmail/v1/…             Gmail
/v1/projects/…/cryptoKeys/…:encrypt, :decrypt     Cloud KMS
/signin                                           page for a person who just wants to sign in
/mail/, /mail/ADDRESS                             every mailbox, to look into without signing in
/_control/faults, /latency, /quota, /accounts, /history     for tests (see control.py)
/healthz                                          200 when ready

Who may call IAM Credentials: any service account here, for any service account here, with an
access token of scope cloud-platform. So the Cloud Tasks stand-in and the scheduler load a key
file with scope https://www.googleapis.com/auth/cloud-platform and POST
/v1/projects/-/serviceAccounts/tasks@secciones-local.iam.gserviceaccount.com:generateIdToken
with {"audience": …, "includeEmail": true}.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.local.google.app import create_app
from infra.local.google.config import (
    DEFAULT_BUCKET,
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_KMS_KEY,
    DEFAULT_REDIRECT_URI,
    Config,
)
from infra.local.serve import serve

SAMPLE = Path(__file__).resolve().parent.parent / "sample"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    # Many threads, for a call that is told to take its time occupies one.
    serve(create_app(_config(options)), options.port, threads=32)


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.google",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, required=True)
    add("--state", type=Path, required=True)
    add("--sample", type=Path, default=SAMPLE)
    add("--public-url")
    add("--domain", default="clases.edu.sv")
    add("--client-id", default=DEFAULT_CLIENT_ID)
    add(
        "--client-secret",
        default=os.environ.get("GOOGLE_STAND_IN_CLIENT_SECRET", DEFAULT_CLIENT_SECRET),
    )
    add("--redirect-uri", action="append")
    add("--key-file", action="append", type=_pair, default=[])
    add("--token-uri")
    add("--service-account", action="append", default=[])
    add("--grant", action="append", type=_pair, default=[])
    add("--kms-key", action="append")
    add("--bucket", action="append")
    add("--quota", type=int, default=2400)
    add("--latency", action="append", type=_pair, default=[])
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _config(options: argparse.Namespace) -> Config:
    public_url = (options.public_url or f"http://localhost:{options.port}").rstrip("/")
    key_files: Iterable[tuple[str, str]] = options.key_file
    grants: Iterable[tuple[str, str]] = options.grant
    latency: Iterable[tuple[str, str]] = options.latency
    return Config(
        state=options.state,
        sample=options.sample,
        public_url=public_url,
        domain=options.domain.lower(),
        client_id=options.client_id,
        client_secret=options.client_secret,
        redirect_uris=tuple(options.redirect_uri or [DEFAULT_REDIRECT_URI]),
        token_uri=options.token_uri or f"{public_url}/token",
        key_files={email: Path(path) for email, path in key_files},
        service_accounts=tuple(options.service_account),
        grants={email: frozenset(scopes.split(",")) for email, scopes in grants},
        kms_keys=tuple(options.kms_key or [DEFAULT_KMS_KEY]),
        buckets=tuple(options.bucket or [DEFAULT_BUCKET]),
        quota_per_minute=options.quota,
        latency={api: float(seconds) for api, seconds in latency},
    )


if __name__ == "__main__":
    main()

"""Service accounts: which exist, their public keys, and the throw-away key files they are given."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.google.accounts import stable_id
from infra.local.google.config import PROJECT, Config
from infra.local.google.keys import SigningKey, new_private_pem, public_pem, signing_key
from infra.local.google.state import State


@dataclass(frozen=True)
class ServiceAccount:
    email: str
    delegated_scopes: frozenset[str]

    @property
    def id(self) -> str:
        return stable_id(self.email)


class ServiceAccounts:
    def __init__(self, state: State, config: Config) -> None:
        self._state = state
        self._config = config

    def prepare_key_files(self) -> None:
        """Make the key files that are missing and register the public key of each."""
        for email, path in self._config.key_files.items():
            key = _read_key_file(path, email) or _new_key_file(self._config, email)
            key["token_uri"] = self._config.token_uri
            _write_key_file(path, key)
            public = public_pem(key["private_key"])
            self._state.put_key(f"keys of {email}", {key["private_key_id"]: public})

    def find(self, email_or_id: str) -> ServiceAccount | None:
        for email in self._config.all_service_accounts():
            if email_or_id in (email, stable_id(email)):
                return ServiceAccount(email, self._config.delegated_scopes(email))
        return None

    def public_keys(self, account: ServiceAccount) -> dict[str, str]:
        """Key id to PEM: that of the key file, and the one that signBlob and signJwt use."""
        system = self.system_key(account)
        return {**(self._state.key(f"keys of {account.email}") or {}), system.id: system.public_pem}

    def system_key(self, account: ServiceAccount) -> SigningKey:
        """The key that Google holds for the account, with which IAM Credentials signs."""
        return signing_key(self._state, f"system key of {account.email}")


def _new_key_file(config: Config, email: str) -> dict[str, Any]:
    base = config.public_url
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": secrets.token_hex(20),
        "private_key": new_private_pem(),
        "client_email": email,
        "client_id": stable_id(email),
        "auth_uri": f"{base}/o/oauth2/auth",
        "token_uri": config.token_uri,
        "auth_provider_x509_cert_url": f"{base}/oauth2/v1/certs",
        "universe_domain": "googleapis.com",
    }


def _read_key_file(path: Path, email: str) -> dict[str, Any] | None:
    if not path.exists():
        return None
    key: dict[str, Any] = json.loads(path.read_text())
    if key["client_email"] != email:
        raise SystemExit(f"{path} is the key of {key['client_email']}, not of {email}")
    return key


def _write_key_file(path: Path, key: dict[str, Any]) -> None:
    text = json.dumps(key, indent=2) + "\n"
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)

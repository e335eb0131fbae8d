"""What the stand-in is told when it starts, and the names that the whole local stack agrees on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = "secciones-local"
SERVICE_ACCOUNT_DOMAIN = f"{PROJECT}.iam.gserviceaccount.com"
WORKER = f"worker@{SERVICE_ACCOUNT_DOMAIN}"
STANDING_ACCOUNTS = tuple(f"{name}@{SERVICE_ACCOUNT_DOMAIN}" for name in ("login", "worker", "tasks", "scheduler"))
DEFAULT_CLIENT_ID = f"{PROJECT}.apps.googleusercontent.com"
DEFAULT_CLIENT_SECRET = PROJECT
DEFAULT_REDIRECT_URI = "http://localhost:8080/secciones/oauth2/callback"
DEFAULT_KMS_KEY = f"projects/{PROJECT}/locations/us-central1/keyRings/secciones/cryptoKeys/seeds"
DEFAULT_BUCKET = f"{PROJECT}-roster"
CUSTOMER_ID = "C0secc1on"

SCOPE = "https://www.googleapis.com/auth/"
READ_USERS = f"{SCOPE}admin.directory.user.readonly"
WORKER_SCOPES = frozenset({f"{SCOPE}admin.directory.user", READ_USERS, f"{SCOPE}gmail.send", f"{SCOPE}gmail.readonly"})


@dataclass(frozen=True)
class Config:
    state: Path
    sample: Path
    public_url: str
    domain: str
    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    token_uri: str
    key_files: Mapping[str, Path]
    service_accounts: tuple[str, ...]
    grants: Mapping[str, frozenset[str]]
    kms_keys: tuple[str, ...]
    buckets: tuple[str, ...]
    quota_per_minute: int
    latency: Mapping[str, float]

    def delegated_scopes(self, email: str) -> frozenset[str]:
        """The scopes for which this service account may act as a person of the domain."""
        standing = WORKER_SCOPES if email == WORKER else frozenset({READ_USERS})
        return self.grants.get(email, standing)

    def all_service_accounts(self) -> frozenset[str]:
        return frozenset({*STANDING_ACCOUNTS, *self.service_accounts, *self.key_files})

"""Call the sweeper at a steady interval, as Cloud Scheduler's HTTP target does.

    python -m infra.local.scheduler --url http://127.0.0.1:8096/ --every 20 \
        --service-account scheduler@… --token-url http://127.0.0.1:8081 --credentials key.json

The token comes from the `generateIdToken` of IAM Credentials at `--token-url`, so the function
verifies here what it verifies in the cloud.
"""

import argparse
import logging
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account

from infra.local.serve import end_with_parent

log = logging.getLogger("scheduler")

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ATTEMPT_SECONDS = 180.0  # Cloud Scheduler's own deadline of an attempt


@dataclass(frozen=True)
class Job:
    """What is called, and as whom."""

    name: str
    url: str
    audience: str
    service_account: str
    token_url: str


def run_job(job: Job, google: AuthorizedSession) -> int:
    """Call the target once and return its status. Raises when a service cannot be reached."""
    response = requests.post(
        job.url,
        headers={
            "Authorization": f"Bearer {_id_token(job, google)}",
            "Content-Type": "application/octet-stream",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": job.name,
            "X-CloudScheduler-ScheduleTime": datetime.now(UTC).isoformat(),
        },
        timeout=ATTEMPT_SECONDS,
        allow_redirects=False,
    )
    return response.status_code


def _id_token(job: Job, google: AuthorizedSession) -> str:
    account = f"projects/-/serviceAccounts/{quote(job.service_account)}"
    response = google.post(
        f"{job.token_url}/v1/{account}:generateIdToken",
        json={"audience": job.audience, "includeEmail": True},
        timeout=10,
    )
    response.raise_for_status()
    return str(response.json()["token"])


def main() -> None:
    """Run the job until told to stop; a failed run is reported and the next one comes in time."""
    given = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    job = Job(
        name="sweep",
        url=given.url,
        audience=given.audience or given.url,
        service_account=given.service_account,
        token_url=given.token_url.rstrip("/"),
    )
    credentials = service_account.Credentials.from_service_account_file(given.credentials, scopes=[SCOPE])
    google = AuthorizedSession(credentials)
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    while True:
        time.sleep(given.every)
        try:
            log.info("%s: %d", job.name, run_job(job, google))
        except (requests.RequestException, GoogleAuthError) as error:
            log.warning("%s did not run: %s", job.name, type(error).__name__)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="infra.local.scheduler")
    arguments.add_argument("--url", required=True, help="what is called")
    arguments.add_argument("--audience", help="of the token; default: the URL")
    arguments.add_argument("--every", type=float, default=20.0, help="seconds")
    arguments.add_argument("--service-account", required=True)
    arguments.add_argument("--token-url", required=True, help="origin of IAM Credentials")
    arguments.add_argument("--credentials", required=True, help="a service account's key file")
    return arguments.parse_args()


if __name__ == "__main__":
    main()

"""Call functions at steady intervals, as Cloud Scheduler's HTTP targets do.

    python -m infra.local.scheduler --job sweep http://127.0.0.1:8096/ http://127.0.0.1:8096 20 \
        --service-account scheduler@… --token-url http://127.0.0.1:8081 --credentials key.json

A job is its name, what is called, the audience of the token, and the seconds between two calls.
The token comes from the `generateIdToken` of IAM Credentials at `--token-url`, so the function
verifies here what it verifies in the cloud.
"""

import argparse
import logging
import signal
import threading
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
    """What is called, how often, and as whom."""

    name: str
    url: str
    audience: str
    every: float
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
    """Run the jobs until told to stop, none of which waits for another."""
    given = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    credentials = service_account.Credentials.from_service_account_file(given.credentials, scopes=[SCOPE])
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    jobs = [
        Job(name, url, audience, float(every), given.service_account, given.token_url.rstrip("/"))
        for name, url, audience, every in given.job
    ]
    threads = [threading.Thread(target=_keep_running, args=(job, AuthorizedSession(credentials))) for job in jobs]
    for thread in threads:
        thread.start()


def _keep_running(job: Job, google: AuthorizedSession) -> None:
    """A failed run is reported and the next one comes in time."""
    while True:
        time.sleep(job.every)
        try:
            log.info("%s: %d", job.name, run_job(job, google))
        except (requests.RequestException, GoogleAuthError) as error:
            log.warning("%s did not run: %s", job.name, type(error).__name__)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="infra.local.scheduler")
    arguments.add_argument(
        "--job", nargs=4, action="append", required=True, metavar=("NAME", "URL", "AUDIENCE", "SECONDS")
    )
    arguments.add_argument("--service-account", required=True)
    arguments.add_argument("--token-url", required=True, help="origin of IAM Credentials")
    arguments.add_argument("--credentials", required=True, help="a service account's key file")
    return arguments.parse_args()


if __name__ == "__main__":
    main()

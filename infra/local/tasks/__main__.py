"""Starts the Cloud Tasks stand-in: one queue behind Cloud Tasks' REST API v2.

    python -m infra.local.tasks --port 8083 --state .local/tasks \\
        --token-url http://localhost:8081 --credentials .local/tasks.json

--port N               the port to listen on, on the loopback addresses
--state DIR            folder of the queue's state (SQLite); made if missing, survives SIGKILL:
                       what was being delivered then is delivered again
--queue NAME           full name of the queue that exists from the start
                       (default projects/secciones-local/locations/us-central1/queues/resets)
--queue-config FILE    JSON object with any of the queue's options; what it does not name keeps
                       its last value, at first Google's default:
                         maxDispatchesPerSecond   500     at most 500
                         maxConcurrentDispatches  1000    at most 5000
                         maxAttempts              100     -1 for no limit
                         maxRetryDuration         "0s"    no limit; a task is dropped only when
                                                          this and maxAttempts are both met
                         minBackoff               "0.1s"
                         maxBackoff               "3600s"
                         maxDoublings             16
                       durations as the API writes them ("1.5s") or as a number of seconds
--queue-option K=V     repeatable: one such option, over the file's
--token-url BASE       where IAM Credentials' generateIdToken is, for tasks with an oidcToken:
                       BASE/v1/projects/-/serviceAccounts/EMAIL:generateIdToken
--credentials KEYFILE  service-account key used to call it (its token_uri gives the access
                       token); read when the first token is needed
                       Without these two every task with an oidcToken fails like one whose
                       token cannot be had, and is tried again.

What it serves:

/v2/projects/…/queues/…            queues.get list patch pause resume purge;
                                   tasks.create get list delete run; the rest answers 501
/_control/…                        for tests (see control.py)
/                                  a page for people
/healthz                           200 when ready

Whoever can reach the port may call it: the Authorization header is not looked at.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from infra.local.serve import serve
from infra.local.tasks.app import Server
from infra.local.tasks.delivery import IamCredentials, IdTokens, no_tokens
from infra.local.tasks.errors import ApiError, JsonObject
from infra.local.tasks.policy import RateRules, RetryRules, rate_rules, retry_rules
from infra.local.tasks.rules import checked_queue_name
from infra.local.tasks.wire import format_duration

DEFAULT_QUEUE = "projects/secciones-local/locations/us-central1/queues/resets"
RATE_OPTIONS = {"maxDispatchesPerSecond": float, "maxConcurrentDispatches": int}
COUNT_OPTIONS = ("maxAttempts", "maxDoublings")
DURATION_OPTIONS = ("maxRetryDuration", "minBackoff", "maxBackoff")


def main() -> None:
    given = _parser().parse_args()
    options = dict(json.loads(given.queue_config.read_text())) if given.queue_config else {}
    options |= dict(option.split("=", 1) for option in given.queue_option)
    try:
        rate, retry = queue_rules(options)
        server = Server(given.state, _id_tokens(given), checked_queue_name(given.queue), rate, retry)
    except (ApiError, ValueError) as error:
        sys.exit(f"infra.local.tasks: {error}")
    serve(server.app, given.port, on_start=server.start)


def queue_rules(options: JsonObject) -> tuple[JsonObject, JsonObject]:
    """RateLimits and RetryConfig of the flat options. Raises ApiError or ValueError."""
    unknown = set(options) - {*RATE_OPTIONS, *COUNT_OPTIONS, *DURATION_OPTIONS}
    if unknown:
        raise ValueError(f"unknown queue options: {', '.join(sorted(unknown))}")
    rate = {name: read(options[name]) for name, read in RATE_OPTIONS.items() if name in options}
    retry: JsonObject = {name: int(options[name]) for name in COUNT_OPTIONS if name in options}
    retry |= {name: _duration(options[name]) for name in DURATION_OPTIONS if name in options}
    rate_rules(rate, RateRules())
    retry_rules(retry, RetryRules())
    return rate, retry


def _duration(value: Any) -> str:
    return format_duration(float(str(value).removesuffix("s")))


def _id_tokens(given: argparse.Namespace) -> IdTokens:
    if given.token_url is None or given.credentials is None:
        return no_tokens
    return IamCredentials(given.token_url, given.credentials)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m infra.local.tasks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s --port N --state DIR [options]",
    )
    parser.add_argument("--port", type=int, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--queue", default=DEFAULT_QUEUE, help=argparse.SUPPRESS)
    parser.add_argument("--queue-config", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--queue-option", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--token-url", help=argparse.SUPPRESS)
    parser.add_argument("--credentials", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()

"""The processes of a stack: the command of each, and when it counts as ready."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.configuration import (
    FUNCTIONS,
    GOOGLE,
    SIGES,
    TASKS,
    Configuration,
    function_settings,
    service_account,
)

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "infra/local/sample"
SWEEP_SECONDS = "20"
IMPORT_SECONDS = "60"
A_DAY = "86400"
QUEUE_OPTIONS = ("maxAttempts=20", "minBackoff=1s", "maxBackoff=60s")

# What our own interpreter was told is nothing of the functions'.
NOT_INHERITED = ("DEBUG", "FUNCTION_SOURCE", "FUNCTION_TARGET", "PORT", "PYTHONPATH")
LOOPBACK = "localhost,127.0.0.1,::1"


@dataclass(frozen=True)
class Part:
    """One process: ready when something answers HTTP at `port` and `path`, at once without port."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)  # it carries secrets
    port: int | None = None
    path: str = "/healthz"


def stand_ins(configuration: Configuration) -> list[Part]:
    """Those of Google and SIGES that the environment does not replace."""
    google = [_google(configuration)] if configuration.starts_google else []
    siges = [_siges(configuration)] if configuration.starts_siges else []
    return google + siges


def queue(configuration: Configuration) -> list[Part]:
    """The Cloud Tasks stand-in, which needs the key file that Google's has made."""
    if not configuration.starts_tasks:
        return []
    state = configuration.folder.state / "tasks"
    workers = configuration.setting("WORKER_CONCURRENCY", "4")
    options = [
        *("--port", str(configuration.port + TASKS)),
        *("--state", str(state)),
        *("--token-url", configuration.identity),
        *("--credentials", configuration.key_file("tasks")),
        *("--queue", function_settings(configuration, "reset")["TASKS_QUEUE"]),
    ]
    for option in (f"maxConcurrentDispatches={workers}", *QUEUE_OPTIONS):
        options += ["--queue-option", option]
    return [_module(configuration, "tasks", tuple(options), port=configuration.port + TASKS)]


def functions(configuration: Configuration) -> list[Part]:
    """Every function, from its staged folder, under the real framework."""
    return [_function(configuration, name) for name in FUNCTIONS]


def entrances(configuration: Configuration) -> list[Part]:
    """What calls the functions: the front door for people, the scheduler for the background functions."""
    return [_front_door(configuration), _scheduler(configuration)]


def _google(configuration: Configuration) -> Part:
    accounts = (*FUNCTIONS, "tasks", "scheduler", "operators")
    keys = configuration.folder.state / "keys"
    options = [
        *("--port", str(configuration.port + GOOGLE)),
        *("--state", str(configuration.folder.state / "google")),
        *("--sample", str(SAMPLE)),
        *("--redirect-uri", f"{configuration.public_url}/secciones/oauth2/callback"),
    ]
    for name in accounts:
        options += ["--key-file", f"{service_account(name)}={keys / name}.json"]
    secret = configuration.setting("OIDC_CLIENT_SECRET", configuration.secrets["OIDC_CLIENT_SECRET"])
    return _module(
        configuration,
        "google",
        tuple(options),
        port=configuration.port + GOOGLE,
        environment={"GOOGLE_STAND_IN_CLIENT_SECRET": secret},
    )


def _siges(configuration: Configuration) -> Part:
    options = [
        *("--port", str(configuration.port + SIGES)),
        *("--sample", str(SAMPLE)),
        f"--token={configuration.siges_token}",  # it may begin with a hyphen
        *("--state", str(configuration.folder.state / "siges")),
    ]
    return _module(configuration, "siges", tuple(options), port=configuration.port + SIGES)


def _front_door(configuration: Configuration) -> Part:
    options = [
        *("--port", str(configuration.port)),
        *("--static", str(configuration.folder.build / "static")),
        *("--description", str(configuration.folder.description)),
    ]
    for name in FUNCTIONS:
        options += ["--function", f"{name}={configuration.function_url(name)}"]
    return _module(configuration, "front_door", tuple(options), port=configuration.port, path="/secciones")


def _scheduler(configuration: Configuration) -> Part:
    settings = function_settings(configuration, "sweeper")
    sweep_seconds = configuration.setting("SWEEP_SECONDS", SWEEP_SECONDS)
    options = (
        *("--job", "sweep", configuration.function_url("sweeper"), settings["SWEEPER_URL"], sweep_seconds),
        *("--job", "mirror", configuration.function_url("mirror"), settings["MIRROR_URL"], sweep_seconds),
        *("--job", "import", configuration.function_url("importer"), settings["IMPORTER_URL"], IMPORT_SECONDS),
        *("--job", "audit", configuration.function_url("auditor"), settings["AUDITOR_URL"], A_DAY),
        *("--service-account", settings["SCHEDULER_SERVICE_ACCOUNT"]),
        *("--token-url", configuration.identity),
        *("--credentials", configuration.key_file("scheduler")),
    )
    return _module(configuration, "scheduler", options)


def _function(configuration: Configuration, name: str) -> Part:
    port = configuration.function_port(name)
    inherited = {key: value for key, value in configuration.environment.items() if key not in NOT_INHERITED}
    return Part(
        name=name,
        command=(
            *(sys.executable, "-m", "functions_framework"),
            *("--source", "main.py", "--target", name, "--signature-type", "http"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ),
        folder=configuration.folder.build / name,
        environment={
            "THREADS": "8",
            **inherited,
            **function_settings(configuration, name),
            **_not_through_a_proxy(inherited),
            # gunicorn keeps a control socket where this points, by default in the home folder
            "XDG_RUNTIME_DIR": str(configuration.folder.run / name),
        },
        port=port,
        path="/robots.txt",  # the framework's own: no page is asked for
    )


def _module(
    configuration: Configuration,
    name: str,
    options: tuple[str, ...],
    port: int | None = None,
    path: str = "/healthz",
    environment: Mapping[str, str] | None = None,
) -> Part:
    inherited = configuration.environment
    return Part(
        name=name,
        command=(sys.executable, "-m", f"infra.local.{name}", *options),
        folder=ROOT,
        environment={
            **inherited,
            "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
            **_not_through_a_proxy(inherited),
            **(environment or {}),
        },
        port=port,
        path=path,
    )


def _not_through_a_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    already = environment.get("NO_PROXY") or environment.get("no_proxy")
    hosts = f"{already},{LOOPBACK}" if already else LOOPBACK
    return {"NO_PROXY": hosts, "no_proxy": hosts}

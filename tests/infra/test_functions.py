"""What Terraform tells the functions is what they read, and what it makes of them is what they need."""

import dataclasses
import importlib

import pytest

from infra.local.configuration import FUNCTIONS
from secciones import settings
from secciones.adapters.cloud_tasks import DISPATCH_DEADLINE
from tests.infra.terraform import Resource
from tests.infra.test_terraform import settings_of

OF_THE_FRAMEWORK = {"THREADS"}
PAGES = {"login", "verify", "sections", "reset"}


def _type(function: str) -> type[settings.CommonSettings]:
    found: type[settings.CommonSettings] = getattr(settings, f"{function.capitalize()}Settings")
    return found


def _service(resources: list[Resource], function: str) -> dict[str, object]:
    address = f"module.{function}.google_cloud_run_v2_service.this"
    return dict(next(found.values for found in resources if found.address == address))


def test_there_is_a_file_for_every_function_and_a_function_for_every_file(production: list[Resource]) -> None:
    made = {found.address.split(".")[1] for found in production if found.type == "google_cloud_run_v2_service"}

    assert made == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_every_setting_that_it_is_told(
    function: str, production: list[Resource], trial: list[Resource]
) -> None:
    read = {field.name.upper() for field in dataclasses.fields(_type(function))}

    for environment in (production, trial):
        assert set(settings_of(environment, function)) - OF_THE_FRAMEWORK <= read


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_every_setting_that_has_no_default(function: str, production: list[Resource]) -> None:
    fields = dataclasses.fields(_type(function))

    assert {field.name.upper() for field in fields if field.metadata["default"] is None} <= set(
        settings_of(production, function)
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_speaks_to_googles_own_addresses(function: str, production: list[Resource]) -> None:
    told = set(settings_of(production, function))

    assert not {name for name in told if name.endswith(("_ENDPOINT", "_ISSUER", "_EMULATOR_HOST"))}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_in_the_cloud_with_what_it_is_told(function: str, production: list[Resource]) -> None:
    told = settings_of(production, function)
    secrets = {name: "x" * 32 for name in told if name.endswith(("_SECRET", "_TOKEN"))}

    loaded = settings.load(_type(function), {**told, **secrets, "K_SERVICE": function})

    assert loaded.google_cloud_project == "secciones-produccion"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_secrets_come_from_secret_manager(function: str, production: list[Resource]) -> None:
    container = _service(production, function)["template"][0]["containers"][0]  # type: ignore[index]
    plain = {entry["name"] for entry in container["env"] if not entry["value_source"]}

    assert not {name for name in plain if name.endswith(("_SECRET", "_TOKEN"))}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_pages_are_reached_through_the_load_balancer_alone_and_tasks_by_their_caller_alone(
    function: str, production: list[Resource]
) -> None:
    callers = {
        found.values["member"]
        for found in production
        if found.address.startswith(f"module.{function}.google_cloud_run_v2_service_iam_member.")
    }
    if function in PAGES:
        assert _service(production, function)["ingress"] == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
        assert callers == {"allUsers"}
    else:
        caller = {"worker": "tasks", "sweeper": "scheduler", "auditor": "scheduler"}[function]
        assert callers == {f"serviceAccount:{caller}@secciones-produccion.iam.gserviceaccount.com"}
        assert settings_of(production, function)[f"{caller.upper()}_SERVICE_ACCOUNT"] in callers.pop()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_instance_has_a_thread_for_every_request_and_help_to_start(
    function: str, production: list[Resource]
) -> None:
    template = _service(production, function)["template"][0]  # type: ignore[index]

    assert settings_of(production, function)["THREADS"] == str(template["max_instance_request_concurrency"])
    assert template["containers"][0]["resources"][0]["startup_cpu_boost"]


def test_the_queue_the_worker_and_the_directorys_quota_agree(production: list[Resource]) -> None:
    queue = next(found.values for found in production if found.type == "google_cloud_tasks_queue")
    told = settings_of(production, "worker")
    template = _service(production, "worker")["template"][0]  # type: ignore[index]

    assert str(queue["rate_limits"][0]["max_concurrent_dispatches"]) == told["WORKER_CONCURRENCY"]
    assert template["timeout"] == f"{DISPATCH_DEADLINE.total_seconds():.0f}s"


@pytest.mark.parametrize(("job", "function"), [("sweep", "sweeper"), ("audit", "auditor")])
def test_the_schedulers_calls_carry_the_audience_that_the_function_expects_and_wait_for_it(
    job: str, function: str, production: list[Resource]
) -> None:
    called = next(found.values for found in production if found.address == f"google_cloud_scheduler_job.{job}")
    target = called["http_target"][0]
    url = settings_of(production, function)[f"{function.upper()}_URL"]

    assert target["uri"] == target["oidc_token"][0]["audience"] == url
    assert called["attempt_deadline"] == _service(production, function)["template"][0]["timeout"]  # type: ignore[index]


def test_all_who_call_the_worker_or_are_the_worker_know_one_address_of_it(production: list[Resource]) -> None:
    assert len({settings_of(production, name)["WORKER_URL"] for name in ("reset", "sweeper", "worker")}) == 1


def test_every_route_of_a_function_is_a_path_of_the_url_map_that_leads_to_it(production: list[Resource]) -> None:
    from infra.local.front_door.routes import read_routes

    routes = read_routes()
    for function in PAGES:
        for route in importlib.import_module(f"secciones.web.pages.{function}").ROUTES:
            assert routes.backend(route.path.replace("<", "").replace(">", "")) == function, route.path


def test_the_url_map_is_the_list_of_routes(production: list[Resource]) -> None:
    from infra.local.front_door.routes import read_routes

    routes = read_routes()
    backends = {
        found.values["id"]: found.values["name"]
        for found in production
        if found.type in {"google_compute_backend_service", "google_compute_backend_bucket"}
    }
    url_map = next(found.values for found in production if found.address == "google_compute_url_map.https")
    matcher = url_map["path_matcher"][0]
    led = {
        path: backends[rule["service"]] for rule in matcher["path_rule"] if rule["service"] for path in rule["paths"]
    }
    moved = {
        path: (rule["url_redirect"][0]["path_redirect"], rule["url_redirect"][0]["redirect_response_code"])
        for rule in matcher["path_rule"]
        if rule["url_redirect"]
        for path in rule["paths"]
    }
    codes = {301: "MOVED_PERMANENTLY_DEFAULT", 302: "FOUND"}

    assert led == {**routes.exact, **{f"{prefix}*": name for prefix, name in routes.prefixes.items()}}
    assert moved == {path: (redirect.to, codes[redirect.status]) for path, redirect in routes.redirects.items()}
    assert backends[matcher["default_service"]] == backends[url_map["default_service"]] == routes.default


def test_plain_http_only_says_where_https_is(production: list[Resource]) -> None:
    url_map = next(found.values for found in production if found.address == "google_compute_url_map.http")

    assert url_map["default_url_redirect"][0]["https_redirect"]
    assert not url_map["default_service"]

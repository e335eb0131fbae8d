"""What Terraform tells the functions is what they read, and what it makes of them is what they need."""

import importlib
import re
from collections.abc import Sequence
from typing import Any

import pytest

from infra.local.front_door.routes import read_routes
from secciones import settings
from secciones.adapters.cloud_tasks import DISPATCH_DEADLINE
from secciones.domain.quota import workers
from stage import function_names
from tests.infra.mutants import altered, without
from tests.infra.terraform import ROOT, SOURCE, Resource

FUNCTIONS = function_names()
OF_THE_FRAMEWORK = {"THREADS"}


def _main(function: str) -> str:
    return (ROOT / f"functions/{function}/main.py").read_text()


PAGES = [name for name in FUNCTIONS if "http_function(" in _main(name)]
# Whom people call, by way of an account that they may become.
FOR_PEOPLE = {"operate"}
BACKGROUND = [name for name in FUNCTIONS if name not in PAGES]


def _type(function: str) -> type[settings.CommonSettings]:
    named = re.search(r"from secciones\.settings import (\w+)", _main(function))
    assert named, f"functions/{function}/main.py does not say which settings it reads"
    found: type[settings.CommonSettings] = getattr(settings, named.group(1))
    return found


def _service(resources: Sequence[Resource], function: str) -> dict[str, Any]:
    address = f"module.{function}.google_cloud_run_v2_service.this"
    return dict(next(found.values for found in resources if found.address == address))


def settings_of(resources: Sequence[Resource], function: str) -> dict[str, str]:
    """The environment of a function; of a secret its id."""
    told = {}
    for entry in _service(resources, function)["template"][0]["containers"][0]["env"]:
        source = entry["value_source"]
        told[entry["name"]] = source[0]["secret_key_ref"][0]["secret"] if source else entry["value"]
    return told


def _callers(resources: Sequence[Resource], function: str) -> set[str]:
    of_the_service = f"module.{function}.google_cloud_run_v2_service_iam_member."
    return {found.values["member"] for found in resources if found.address.startswith(of_the_service)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_file_of_its_own(function: str) -> None:
    file = SOURCE / f"{function}.tf"

    assert file.exists(), (
        f"infra/terraform/{function}.tf is missing: it says who functions/{function} is, what it may do, "
        "what it is told and what calls it; auditor.tf is the smallest to begin from"
    )
    assert re.search(rf'^module "{function}" \{{$', file.read_text(), re.MULTILINE)


def test_every_service_is_a_function(production: list[Resource]) -> None:
    assert {found.address.split(".")[1] for found in production if found.type == "google_cloud_run_v2_service"} == set(
        FUNCTIONS
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_every_setting_that_it_is_told(
    function: str, production: list[Resource], trial: list[Resource]
) -> None:
    read = {field.name.upper() for field in settings.fields(_type(function))}

    for environment in (production, trial):
        assert set(settings_of(environment, function)) - OF_THE_FRAMEWORK <= read


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_every_setting_that_has_no_default(function: str, production: list[Resource]) -> None:
    fields = settings.fields(_type(function))

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
    container = _service(production, function)["template"][0]["containers"][0]
    plain = {entry["name"] for entry in container["env"] if not entry["value_source"]}

    assert not {name for name in plain if name.endswith(("_SECRET", "_TOKEN"))}


@pytest.mark.parametrize("function", PAGES)
def test_pages_are_reached_through_the_load_balancer_alone(function: str, production: list[Resource]) -> None:
    assert _service(production, function)["ingress"] == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    assert _callers(production, function) == {"allUsers"}


@pytest.mark.parametrize("function", BACKGROUND)
def test_the_public_calls_no_function_without_pages(function: str, production: list[Resource]) -> None:
    """Every caller is an account that the function knows, from inside the project unless people stand behind it."""
    callers = _callers(production, function)

    assert callers, "nobody can call it"
    assert not callers & {"allUsers", "allAuthenticatedUsers"}
    is_inside = _service(production, function)["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert is_inside == (function not in FOR_PEOPLE)
    assert callers <= {
        f"serviceAccount:{value}"
        for name, value in settings_of(production, function).items()
        if name.endswith("_SERVICE_ACCOUNT")
    }


@pytest.mark.parametrize("function", BACKGROUND)
def test_a_token_without_signature_is_believed_where_cloud_run_has_checked_it_and_nowhere_else(
    function: str, production: list[Resource]
) -> None:
    """Operators send theirs twice, so that one arrives whole."""
    assert not _service(production, function)["invoker_iam_disabled"]
    is_told = settings_of(production, function).get("CALLER_SIGNATURES") == "removed"
    assert is_told == (function not in FOR_PEOPLE)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_instance_has_a_thread_for_every_request_and_help_to_start(
    function: str, production: list[Resource]
) -> None:
    template = _service(production, function)["template"][0]

    assert settings_of(production, function)["THREADS"] == str(template["max_instance_request_concurrency"])
    assert template["containers"][0]["resources"][0]["startup_cpu_boost"]
    assert template["scaling"][0]["max_instance_count"] >= 1


@pytest.mark.parametrize("quota", [1, 600, 1199, 1200, 1201, 2160, 2400, 12_000])
def test_the_queue_divides_the_directorys_quota_as_the_code_does(quota: int) -> None:
    """Terraform's formula, read as Python: both know `max` and whole numbers."""
    written = re.search(r"^  workers = (.+)$", (SOURCE / "worker.tf").read_text(), re.MULTILINE)
    assert written
    formula = written.group(1).replace("var.directory_queries_per_minute", str(quota)).replace("floor", "math.floor")

    assert eval(formula, {"math": importlib.import_module("math"), "max": max}) == workers(quota)


def test_the_queue_the_worker_and_the_directorys_quota_agree(production: list[Resource], trial: list[Resource]) -> None:
    for environment in (production, trial):
        queue = next(found.values for found in environment if found.type == "google_cloud_tasks_queue")
        limits = queue["rate_limits"][0]
        told = settings_of(environment, "worker")
        template = _service(environment, "worker")["template"][0]
        expected = workers(int(told["DIRECTORY_QUERIES_PER_MINUTE"]))

        assert limits["max_concurrent_dispatches"] == limits["max_dispatches_per_second"] == expected
        assert told["WORKER_CONCURRENCY"] == str(expected)
        # An instance has one pace. With two batches in it, or with an instance more, the shares would not add up.
        assert template["scaling"][0]["max_instance_count"] == expected
        assert template["max_instance_request_concurrency"] == 1
        assert template["timeout"] == f"{DISPATCH_DEADLINE.total_seconds():.0f}s"


def test_a_task_is_tried_until_its_batch_is_given_up(production: list[Resource]) -> None:
    """Both limits must be passed before Cloud Tasks drops a task."""
    retry = next(found.values for found in production if found.type == "google_cloud_tasks_queue")["retry_config"][0]

    assert retry["max_attempts"] > 1
    assert int(retry["max_retry_duration"].removesuffix("s")) >= 60 * int(
        settings_of(production, "reset")["BATCH_DEADLINE_MINUTES"]
    )


def test_the_schedulers_calls_carry_the_audience_that_the_function_expects_and_wait_for_it(
    production: list[Resource],
) -> None:
    jobs = [found for found in production if found.type == "google_cloud_scheduler_job"]

    assert {"sweeper", "auditor"} <= {found.values["name"] for found in jobs}
    for job in (found.values for found in jobs):
        function, target = job["name"], job["http_target"][0]
        told = settings_of(production, function)
        assert target["uri"] == target["oidc_token"][0]["audience"] == told[f"{function.upper()}_URL"]
        assert target["oidc_token"][0]["service_account_email"] == told["SCHEDULER_SERVICE_ACCOUNT"]
        assert job["attempt_deadline"] == _service(production, function)["template"][0]["timeout"]


def test_the_sweeper_runs_every_minute(production: list[Resource]) -> None:
    jobs = {found.values["name"]: found.values for found in production if found.type == "google_cloud_scheduler_job"}

    assert jobs["sweeper"]["schedule"] == "* * * * *"


def test_all_who_call_the_worker_or_are_the_worker_know_one_address_of_it(production: list[Resource]) -> None:
    told = [settings_of(production, function).get("WORKER_URL") for function in FUNCTIONS]

    assert len({url for url in told if url}) == 1


@pytest.mark.parametrize("function", PAGES)
def test_every_route_of_a_function_is_a_path_of_the_url_map_that_leads_to_it(function: str) -> None:
    routes = read_routes()

    for route in importlib.import_module(f"secciones.web.pages.{function}").ROUTES:
        assert routes.backend(route.path.replace("<", "").replace(">", "")) == function, route.path


def test_every_path_of_the_url_map_leads_to_a_function_with_pages_that_has_a_route_there() -> None:
    routes = read_routes()
    served = {
        function: [
            re.sub(r"<[^>]+>", "x", route.path)
            for route in importlib.import_module(f"secciones.web.pages.{function}").ROUTES
        ]
        for function in PAGES
    }

    for path, function in {**routes.exact, **routes.prefixes}.items():
        if function != "static":
            assert any(
                route == path or (path in routes.prefixes and route.startswith(path)) for route in served[function]
            )


@pytest.mark.parametrize("host", ["serving", "candidate"])
def test_the_url_map_is_the_list_of_routes(host: str, production: list[Resource]) -> None:
    routes = read_routes()
    backends = {found.values["id"]: _leads_to(found, host, production) for found in production if _is_backend(found)}
    url_map = next(found.values for found in production if found.address == "google_compute_url_map.https")
    matcher = next(matcher for matcher in url_map["path_matcher"] if matcher["name"] == host)
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
    assert backends[matcher["default_service"]] == routes.default


def _is_backend(found: Resource) -> bool:
    return found.type in {"google_compute_backend_service", "google_compute_backend_bucket"}


def _leads_to(backend: Resource, host: str, resources: Sequence[Resource]) -> str:
    """The function behind a backend as this host is to reach it; of any other revision it says so."""
    if backend.type == "google_compute_backend_bucket":
        return str(backend.values["name"])
    group = backend.values["backend"][0]["group"]
    run = next(found.values["cloud_run"][0] for found in resources if found.values.get("id") == group)
    tag = {"serving": None, "candidate": "candidate"}[host]
    return str(run["service"]) if run["tag"] == tag else f"{run['service']} of another host"


def test_what_the_public_name_leads_to_is_what_serves(production: list[Resource]) -> None:
    url_map = next(found.values for found in production if found.address == "google_compute_url_map.https")

    assert {rule["path_matcher"]: sorted(rule["hosts"]) for rule in url_map["host_rule"]} == {
        "serving": ["www.clases.edu.sv"],
        "candidate": ["candidate.internal"],
    }


def test_plain_http_only_says_where_https_is(production: list[Resource]) -> None:
    url_map = next(found.values for found in production if found.address == "google_compute_url_map.http")

    assert url_map["default_url_redirect"][0]["https_redirect"]
    assert not url_map["default_service"]


def test_the_certificate_is_googles_for_the_public_name_and_old_tls_is_refused(production: list[Resource]) -> None:
    certificate = next(found.values for found in production if found.type == "google_compute_managed_ssl_certificate")
    policy = next(found.values for found in production if found.type == "google_compute_ssl_policy")

    assert certificate["managed"][0]["domains"] == ["www.clases.edu.sv"]
    assert policy["min_tls_version"] == "TLS_1_2"


# What each of these tests is there for, done wrong on purpose.


def _env(resources: list[Resource], function: str, edit: Any) -> list[Resource]:
    return altered(
        resources,
        f"module.{function}.google_cloud_run_v2_service.this",
        lambda values: edit(values["template"][0]["containers"][0]["env"]),
    )


def test_a_setting_too_many_is_found(production: list[Resource]) -> None:
    mutant = _env(production, "verify", lambda env: env.append({"name": "NOBODY", "value": "x", "value_source": []}))

    with pytest.raises(AssertionError):
        test_a_function_reads_every_setting_that_it_is_told("verify", mutant, mutant)


def test_a_setting_too_few_is_found(production: list[Resource]) -> None:
    mutant = _env(
        production, "verify", lambda env: env.remove(next(entry for entry in env if entry["name"] == "SIGES_URL"))
    )

    with pytest.raises(AssertionError):
        test_a_function_is_told_every_setting_that_has_no_default("verify", mutant)
    with pytest.raises(settings.SettingsError):
        test_a_function_starts_in_the_cloud_with_what_it_is_told("verify", mutant)


def test_a_secret_in_plain_sight_is_found(production: list[Resource]) -> None:
    mutant = _env(
        production, "reset", lambda env: env.append({"name": "SIGES_TOKEN", "value": "secret", "value_source": []})
    )

    with pytest.raises(AssertionError):
        test_secrets_come_from_secret_manager("reset", mutant)


def test_a_worker_for_everybody_is_found(production: list[Resource]) -> None:
    invoker = "module.worker.google_cloud_run_v2_service_iam_member.callers"
    public = altered(production, f'{invoker}["queue"]', lambda values: values.update(member="allUsers"))

    with pytest.raises(AssertionError):
        test_the_public_calls_no_function_without_pages("worker", public)
    with pytest.raises(AssertionError, match="nobody"):
        test_the_public_calls_no_function_without_pages("worker", without(production, invoker))


def test_a_way_around_the_load_balancer_is_found(production: list[Resource]) -> None:
    mutant = altered(
        production,
        "module.verify.google_cloud_run_v2_service.this",
        lambda values: values.update(ingress="INGRESS_TRAFFIC_ALL"),
    )

    with pytest.raises(AssertionError):
        test_pages_are_reached_through_the_load_balancer_alone("verify", mutant)


def test_a_queue_that_is_faster_than_the_quota_is_found(production: list[Resource], trial: list[Resource]) -> None:
    mutant = altered(
        production,
        "google_cloud_tasks_queue.resets",
        lambda values: values["rate_limits"][0].update(max_concurrent_dispatches=40),
    )

    with pytest.raises(AssertionError):
        test_the_queue_the_worker_and_the_directorys_quota_agree(mutant, trial)


def test_two_batches_that_share_a_pace_are_found(production: list[Resource], trial: list[Resource]) -> None:
    mutant = altered(
        production,
        "module.worker.google_cloud_run_v2_service.this",
        lambda values: values["template"][0].update(max_instance_request_concurrency=2),
    )

    with pytest.raises(AssertionError):
        test_the_queue_the_worker_and_the_directorys_quota_agree(mutant, trial)


@pytest.mark.parametrize("host", ["serving", "candidate"])
def test_a_path_that_leads_elsewhere_is_found(host: str, production: list[Resource]) -> None:
    def swap(values: dict[str, Any]) -> None:
        rules = next(matcher["path_rule"] for matcher in values["path_matcher"] if matcher["name"] == host)
        rules[0]["service"], rules[1]["service"] = rules[1]["service"], rules[0]["service"]

    with pytest.raises(AssertionError):
        test_the_url_map_is_the_list_of_routes(host, altered(production, "google_compute_url_map.https", swap))


def test_a_public_name_that_leads_to_candidates_is_found(production: list[Resource]) -> None:
    mutant = altered(
        production,
        'google_compute_region_network_endpoint_group.pages["login"]',
        lambda values: values["cloud_run"][0].update(tag="candidate"),
    )

    with pytest.raises(AssertionError):
        test_the_url_map_is_the_list_of_routes("serving", mutant)


def test_a_function_that_terraform_does_not_make_is_found(production: list[Resource]) -> None:
    with pytest.raises(AssertionError):
        test_every_service_is_a_function(without(production, "module.auditor"))
    with pytest.raises(AssertionError, match="it says who functions/operator is"):
        test_every_function_has_a_file_of_its_own("operator")


def test_what_terraform_says_of_a_path_is_said_of_one_that_there_is() -> None:
    """The limits of the load balancer and the uptime check name some of them."""
    text = "\n".join(file.read_text() for file in SOURCE.glob("*.tf"))
    named = set(re.findall(r"""['"](/secciones/[\w/]*)['"]""", text))

    assert "/secciones/identidad" in named
    assert named <= set(read_routes().exact)

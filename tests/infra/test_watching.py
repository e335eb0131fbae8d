"""What operators are shown and woken by is what the functions write."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.mutants import altered, without
from tests.infra.terraform import ROOT, RUNBOOK, Resource

LIBRARY = ROOT / "functions/secciones"
CHAPTERS = ["Qué significa", "Qué mirar", "Qué hacer", "A quién llamar"]
_MESSAGE = re.compile(r'jsonPayload\.message[:=]"([^"]+)"')
_AUDIT_KIND = re.compile(r'jsonPayload\.audit\.kind="([^"]+)"')
_USER_METRIC = re.compile(r"logging\.googleapis\.com/user/(\w+)")


def _strings() -> str:
    """All that the library can say, with constants that stand in several lines joined."""
    texts = []
    for path in LIBRARY.rglob("*.py"):
        texts += [
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(texts)


def _alerts(resources: list[Resource]) -> list[Resource]:
    return [found for found in resources if found.type == "google_monitoring_alert_policy"]


def test_what_filters_look_for_is_what_the_functions_write(production: list[Resource]) -> None:
    written = _strings()
    watching = [found for found in production if found.type.startswith(("google_logging_", "google_monitoring_"))]
    filters = json.dumps([found.values for found in watching]).replace('\\"', '"')
    messages, kinds = set(_MESSAGE.findall(filters)), set(_AUDIT_KIND.findall(filters))

    assert len(messages) > 10
    assert {message for message in messages if message not in written} == set()
    assert {kind for kind in kinds if f"\n{kind}\n" not in f"\n{written}\n"} == set()


def test_every_metric_that_is_shown_or_alerts_exists(production: list[Resource]) -> None:
    made = {found.values["name"] for found in production if found.type == "google_logging_metric"}
    used = {name for found in production for name in _USER_METRIC.findall(json.dumps(found.values))}

    assert used <= made
    assert made - used == set(), "a metric that nobody looks at"


def test_every_alert_reaches_a_person_and_carries_its_page_of_the_runbook(production: list[Resource]) -> None:
    pages = []
    for alert in _alerts(production):
        documentation = alert.values["documentation"][0]
        page = RUNBOOK / "alertas" / documentation["links"][0]["url"].rpartition("/alertas/")[2]
        assert alert.values["notification_channels"], alert.address
        assert documentation["content"] == page.read_text()
        assert documentation["content"].startswith(f"# {alert.values['display_name']}\n")
        pages.append(page)

    assert sorted(pages) == sorted((RUNBOOK / "alertas").iterdir())


@pytest.mark.parametrize("page", sorted((RUNBOOK / "alertas").iterdir()), ids=lambda page: page.stem)
def test_a_page_of_the_runbook_is_complete_and_fits_into_an_alert(page: Path) -> None:
    text = page.read_text()

    assert re.findall("^## (.+)$", text, re.MULTILINE) == CHAPTERS
    assert all(part.strip() for part in re.split("^## .+$", text, flags=re.MULTILINE))
    assert len(text) <= 8192, "more than Cloud Monitoring takes"
    assert len(text.encode()) <= 10240, "more than Cloud Monitoring takes"
    assert "${" not in text, "Cloud Monitoring would put a value in its place"


def test_what_the_runbook_searches_for_is_what_the_functions_write() -> None:
    written = _strings()
    blocks = [
        block
        for page in RUNBOOK.rglob("*.md")
        for block in re.findall("^```$(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    ]
    messages = {message for block in blocks for message in _MESSAGE.findall(block)}
    kinds = {kind for block in blocks for kind in _AUDIT_KIND.findall(block)}

    assert len(messages) > 10
    assert {message for message in messages if message not in written} == set()
    assert {kind for kind in kinds if f"\n{kind}\n" not in f"\n{written}\n"} == set()


def test_whatever_the_code_logs_as_an_error_wakes_someone(production: list[Resource]) -> None:
    watching = [found for found in production if found.type == "google_logging_metric"] + _alerts(production)
    filters = json.dumps([found.values for found in watching], ensure_ascii=False)
    watched = _MESSAGE.findall(filters.replace('\\\\\\"', '"').replace('\\"', '"'))
    errors = list(_errors())

    assert len(errors) > 10
    assert [message for message in errors if not any(part in message for part in watched)] == []


def _errors() -> Iterator[str]:
    """Messages of ERROR and above that stand in the code as they are logged, and the alerts of limits."""
    for path in LIBRARY.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            yield from _constants(keyword.value for keyword in call.keywords if keyword.arg == "alert")
            if ast.unparse(call.func) == "logs.write_exception":
                yield from _constants(call.args[:1])
            elif ast.unparse(call.func) == "logs.write" and {*_constants(call.args[:1])} & {"ERROR", "CRITICAL"}:
                yield from _constants(call.args[1:2])


def _constants(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_contradiction_in_the_audit_wakes_someone(production: list[Resource]) -> None:
    """The auditor's messages are made of parts: its alert looks for the field that they all carry."""
    alert = next(found for found in _alerts(production) if found.address.endswith('["auditoria-alterada"]'))

    assert "jsonPayload.finding:*" in alert.values["conditions"][0]["condition_matched_log"][0]["filter"]
    assert "finding=finding.kind" in (LIBRARY / "tasks/audit_task.py").read_text()


def test_the_dashboard_is_what_cloud_monitoring_reads(production: list[Resource]) -> None:
    dashboard = next(found for found in production if found.type == "google_monitoring_dashboard")
    widgets = json.loads(dashboard.values["dashboard_json"])["gridLayout"]["widgets"]

    assert len({widget["title"] for widget in widgets}) == len(widgets) > 10
    for widget in widgets:
        for data_set in widget["xyChart"]["dataSets"]:
            assert data_set["timeSeriesQuery"]["timeSeriesFilter"]["filter"].startswith("resource.type=")


def test_the_audit_is_kept_where_nobody_can_shorten_it(production: list[Resource], trial: list[Resource]) -> None:
    bucket = next(found.values for found in production if found.type == "google_logging_project_bucket_config")
    elsewhere = next(found.values for found in trial if found.type == "google_logging_project_bucket_config")

    assert bucket["locked"]
    assert bucket["retention_days"] == 730
    assert not elsewhere["locked"], "a lock is for ever: not where things are tried out"


def test_who_becomes_an_operator_is_kept(production: list[Resource]) -> None:
    """Tokens of IAM Credentials are ADMIN_READ of IAM: Google takes no switch for IAM Credentials alone."""
    configs = {
        found.values["service"]: {entry["log_type"] for entry in found.values["audit_log_config"]}
        for found in production
        if found.type == "google_project_iam_audit_config"
    }

    assert "ADMIN_READ" in configs["iam.googleapis.com"]
    assert "iamcredentials.googleapis.com" not in configs


def test_the_page_of_guesses_is_banned_and_nothing_but_pages_methods_pass(production: list[Resource]) -> None:
    policy = next(found.values for found in production if found.type == "google_compute_security_policy")
    rules = sorted(policy["rule"], key=lambda rule: rule["priority"])
    ban = next(rule for rule in rules if rule["action"] == "rate_based_ban")
    attacks = [rule for rule in rules if "evaluatePreconfiguredWaf" in json.dumps(rule)]
    refused = json.dumps([rule["match"] for rule in rules if rule["action"] == "deny(403)"])

    assert max(rule["priority"] for rule in attacks) < ban["priority"], "who keeps within a limit is let in at once"
    assert "GET|HEAD|POST" in refused
    assert "content-length" in refused
    assert len(attacks) >= 5
    assert "/secciones/identidad" in ban["match"][0]["expr"][0]["expression"]
    assert len({rule["priority"] for rule in rules}) == len(rules)
    assert rules[-1]["priority"] == 2**31 - 1
    assert all(
        found.values["security_policy"] == policy["id"]
        for found in production
        if found.type == "google_compute_backend_service"
    )


def test_seconds_are_taken_from_fields_that_the_functions_write(production: list[Resource]) -> None:
    written = set(_strings().split("\n"))
    extracted = {
        found.values["value_extractor"]
        for found in production
        if found.type == "google_logging_metric" and found.values["value_extractor"]
    }
    named = {re.fullmatch(r"EXTRACT\(jsonPayload\.audit\.details\.(\w+)\)", text) for text in extracted}

    assert {match.group(1) for match in named if match} == {"oldest_open_seconds", "seconds"} <= written


def test_a_batch_that_is_open_for_a_quarter_of_an_hour_wakes_someone(production: list[Resource]) -> None:
    alert = next(found.values for found in _alerts(production) if found.address.endswith(".queue"))
    threshold = alert["conditions"][0]["condition_threshold"][0]

    assert "user/oldest_open" in threshold["filter"]
    assert threshold["threshold_value"] == 15 * 60
    assert alert["severity"] == "CRITICAL"


def test_what_is_promised_is_measured_and_its_margin_watched(production: list[Resource]) -> None:
    promised = {found.values["slo_id"]: found.values for found in production if found.type == "google_monitoring_slo"}
    watched = json.dumps([found.values["conditions"] for found in _alerts(production)])

    assert {name: slo["goal"] for name, slo in promised.items()} == {"web": 0.999, "batches": 0.99}
    assert all(f'select_slo_burn_rate(\\"{slo["name"]}\\"' in watched for slo in promised.values())
    in_time = next(found for found in production if found.address == 'google_logging_metric.counts["in_time"]')
    assert in_time.values["filter"].endswith(f"seconds<={5 * 60}")


def test_operators_find_their_searches_in_logs_explorer(production: list[Resource]) -> None:
    searches = [found.values for found in production if found.type == "google_logging_saved_query"]

    assert {search["name"] for search in searches} >= {"lote", "docente", "solicitud", "rechazos", "avisos"}
    assert {search["visibility"] for search in searches} == {"SHARED"}


def test_somebody_outside_looks_at_the_landing_page_and_at_the_bill(production: list[Resource]) -> None:
    uptime = next(found.values for found in production if found.type == "google_monitoring_uptime_check_config")
    budget = next(found.values for found in production if found.type == "google_billing_budget")

    assert uptime["http_check"][0]["path"] == "/secciones/"
    assert uptime["http_check"][0]["validate_ssl"]
    assert uptime["monitored_resource"][0]["labels"]["host"] == "www.clases.edu.sv"
    assert budget["all_updates_rule"][0]["monitoring_notification_channels"]
    assert {rule["threshold_percent"] for rule in budget["threshold_rules"]} == {0.5, 0.9, 1.0}


def test_the_audits_copy_is_the_functions_and_googles_own_and_nothing_else(production: list[Resource]) -> None:
    sink = next(found.values for found in production if found.type == "google_logging_project_sink")
    functions = {
        found.values["account_id"]
        for found in production
        if found.address.startswith("module.") and found.type == "google_service_account"
    }

    assert "jsonPayload.audit:*" in sink["filter"]
    assert "cloudaudit.googleapis.com" in sink["filter"]
    left_out = sink["exclusions"][0]["filter"]
    assert 'protoPayload.serviceName="datastore.googleapis.com"' in left_out
    assert set(re.findall(r"(function-\w+)@", left_out)) == functions, "what people read is of interest"


# Each of these rules broken on purpose.


def _at(resources: list[Resource], address: str, **values: Any) -> list[Resource]:
    return altered(resources, address, lambda found: found.update(values))


def test_a_filter_for_what_nobody_writes_is_found(production: list[Resource]) -> None:
    metric = 'google_logging_metric.counts["refusals"]'

    with pytest.raises(AssertionError):
        test_what_filters_look_for_is_what_the_functions_write(
            _at(production, metric, filter='jsonPayload.message="Gogle refused to change an account"')
        )
    with pytest.raises(AssertionError):
        test_what_filters_look_for_is_what_the_functions_write(
            _at(production, metric, filter='jsonPayload.audit.kind="submitted"')
        )


def test_a_metric_that_is_missing_or_nobody_looks_at_is_found(production: list[Resource]) -> None:
    missing = without(production, 'google_logging_metric.counts["mails"]')
    unseen = _at(production, "google_monitoring_dashboard.secciones", dashboard_json="{}")

    for mutant in (missing, unseen):
        with pytest.raises(AssertionError):
            test_every_metric_that_is_shown_or_alerts_exists(mutant)


def test_an_alert_that_reaches_nobody_or_has_no_page_is_found(production: list[Resource]) -> None:
    alert = 'google_monitoring_alert_policy.events["adivinanza"]'

    with pytest.raises(AssertionError):
        test_every_alert_reaches_a_person_and_carries_its_page_of_the_runbook(
            _at(production, alert, notification_channels=[])
        )
    with pytest.raises(AssertionError):
        test_every_alert_reaches_a_person_and_carries_its_page_of_the_runbook(
            _at(production, alert, display_name="Otra cosa")
        )
    with pytest.raises(AssertionError):
        test_every_alert_reaches_a_person_and_carries_its_page_of_the_runbook(without(production, alert))


def test_an_error_that_wakes_nobody_is_found(production: list[Resource]) -> None:
    with pytest.raises(AssertionError):
        test_whatever_the_code_logs_as_an_error_wakes_someone(
            without(production, 'google_monitoring_alert_policy.events["correo-rechazado"]')
        )


def test_an_audit_that_can_be_shortened_is_found(production: list[Resource], trial: list[Resource]) -> None:
    with pytest.raises(AssertionError):
        test_the_audit_is_kept_where_nobody_can_shorten_it(
            _at(production, "google_logging_project_bucket_config.audit", locked=False), trial
        )


def test_a_page_of_guesses_without_a_ban_and_a_door_without_a_policy_are_found(production: list[Resource]) -> None:
    def lets_all_in(values: dict[str, Any]) -> None:
        next(rule for rule in values["rule"] if rule["action"] == "rate_based_ban")["action"] = "throttle"

    with pytest.raises(StopIteration):
        test_the_page_of_guesses_is_banned_and_nothing_but_pages_methods_pass(
            altered(production, "google_compute_security_policy.pages", lets_all_in)
        )
    with pytest.raises(AssertionError):
        test_the_page_of_guesses_is_banned_and_nothing_but_pages_methods_pass(
            _at(production, 'google_compute_backend_service.pages["login"]', security_policy="")
        )


def test_a_batch_that_waits_longer_unseen_is_found(production: list[Resource]) -> None:
    def sleeps(values: dict[str, Any]) -> None:
        values["conditions"][0]["condition_threshold"][0]["threshold_value"] = 9000

    with pytest.raises(AssertionError):
        test_a_batch_that_is_open_for_a_quarter_of_an_hour_wakes_someone(
            altered(production, "google_monitoring_alert_policy.queue", sleeps)
        )

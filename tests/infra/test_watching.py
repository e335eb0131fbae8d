"""What operators are shown and woken by is what the functions write."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

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

    assert max(rule["priority"] for rule in attacks) < ban["priority"], "who keeps within a limit is let in at once"
    assert "/secciones/identidad" in ban["match"][0]["expr"][0]["expression"]
    assert len({rule["priority"] for rule in rules}) == len(rules)
    assert rules[-1]["priority"] == 2**31 - 1
    assert all(
        found.values["security_policy"] == policy["id"]
        for found in production
        if found.type == "google_compute_backend_service"
    )

"""Settings: all that is wrong at once, no loopback in the cloud, no insecure transport elsewhere."""

import pytest

from secciones import settings as s
from tests.support.every_setting import EVERY_SETTING

GOOD = EVERY_SETTING
ALL = [
    s.LoginSettings,
    s.VerifySettings,
    s.SectionsSettings,
    s.ResetSettings,
    s.WorkerSettings,
    s.SweeperSettings,
    s.MirrorSettings,
    s.AuditorSettings,
    s.OperateSettings,
    s.ImporterSettings,
]


def problems(settings: type[s.CommonSettings], environ: dict[str, str]) -> list[str]:
    with pytest.raises(s.SettingsError) as error:
        s.load(settings, environ)
    return str(error.value).splitlines()


def test_good_settings_are_read_with_googles_own_addresses_as_defaults() -> None:
    settings = s.load(s.VerifySettings, GOOD)
    assert settings.public_url == "https://www.clases.edu.sv"
    assert settings.store == "firestore"
    assert settings.workspace_domain == "clases.edu.sv"
    fields = {field.name: field.metadata["default"] for field in s.fields(s.WorkerSettings)}
    assert fields["directory_api_endpoint"] == "https://admin.googleapis.com"
    assert fields["gmail_api_endpoint"] == "https://gmail.googleapis.com"
    assert fields["token_endpoint"] == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize("settings", ALL)
def test_everything_that_is_missing_is_named_at_once(settings: type[s.CommonSettings]) -> None:
    required = [
        field.name.upper()
        for field in s.fields(settings)
        if field.metadata["default"] is None and field.metadata["needless_with"] != "siges"
    ]
    assert problems(settings, {}) == sorted(f"{name} is missing" for name in required)


def test_everything_that_is_wrong_is_named_at_once_and_no_value_is_shown() -> None:
    wrong = GOOD | {"PUBLIC_URL": "clases", "SESSION_SECRET": "kurz", "STORE": "mongo", "SESSION_HOURS": "0"}
    lines = problems(s.VerifySettings, wrong)
    assert [line.split()[0] for line in lines] == ["PUBLIC_URL", "SESSION_HOURS", "SESSION_SECRET", "STORE"]
    assert "kurz" not in "".join(lines)


@pytest.mark.parametrize(
    "url", ["http://siges.example", "http://10.0.0.7", "http://localhost.example", "ftp://x", "//x"]
)
def test_insecure_transport_is_accepted_for_loopback_alone(url: str) -> None:
    assert problems(s.VerifySettings, GOOD | {"SIGES_URL": url})


@pytest.mark.parametrize("url", ["http://localhost:8082", "http://127.0.0.1:8082", "http://[::1]:8082"])
def test_a_loopback_address_is_refused_in_the_cloud_and_nowhere_else(url: str) -> None:
    environ = GOOD | {"SIGES_URL": url}
    assert s.load(s.VerifySettings, environ).siges_url == url
    assert problems(s.VerifySettings, environ | {"K_SERVICE": "verify"}) == [
        "SIGES_URL is a loopback address, which cannot be right in the cloud"
    ]


def test_the_emulator_and_a_store_on_disk_are_refused_in_the_cloud() -> None:
    environ = GOOD | {"FIRESTORE_EMULATOR_HOST": "localhost:8088", "STORE": "sqlite:/tmp/x", "K_SERVICE": "verify"}
    assert [line.split()[0] for line in problems(s.VerifySettings, environ)] == ["FIRESTORE_EMULATOR_HOST", "STORE"]


@pytest.mark.parametrize(
    ("registry", "needed"),
    [
        ("siges", {"SIGES_URL", "SIGES_TOKEN"}),
        ("oneroster", {"REGISTRY_SECRET"}),
        ("siges-then-oneroster", {"SIGES_URL", "SIGES_TOKEN", "REGISTRY_SECRET"}),
    ],
)
def test_a_registry_needs_what_it_uses(registry: str, needed: set[str]) -> None:
    rest = {name: value for name, value in GOOD.items() if name not in {"SIGES_URL", "SIGES_TOKEN", "REGISTRY_SECRET"}}
    assert {line.split()[0] for line in problems(s.VerifySettings, rest | {"REGISTRY": registry})} == needed
    assert s.load(s.VerifySettings, GOOD | {"REGISTRY": registry}).registry == registry


def test_a_registry_that_nobody_knows_is_refused() -> None:
    assert problems(s.VerifySettings, GOOD | {"REGISTRY": "sigés"})


@pytest.mark.parametrize("hours", ["25", "-1", "1.5", "999", ""])
def test_no_reset_keeps_a_student_for_longer_than_the_day_after_which_a_new_one_is_offered(hours: str) -> None:
    environ = GOOD | {"OWN_RESET_HOURS": hours or " ", "COLLEAGUE_RESET_HOURS": "24"}
    assert [line.split()[0] for line in problems(s.WorkerSettings, environ)] == ["OWN_RESET_HOURS"]


@pytest.mark.parametrize("unit", ["/", "Estudiantes", "/Estudiantes/", ""])
def test_the_root_of_all_units_is_no_students_unit(unit: str) -> None:
    environ = {"STUDENTS_ORG_UNIT": unit or " "}
    assert any(line.startswith("STUDENTS_ORG_UNIT") for line in problems(s.WorkerSettings, environ))


def test_tokens_come_in_the_clear_from_the_metadata_server_or_this_machine_alone() -> None:
    assert s.load(s.VerifySettings, GOOD).gce_metadata_host == "metadata.google.internal"
    assert s.load(s.VerifySettings, GOOD | {"GCE_METADATA_HOST": "127.0.0.1:8080"})
    for host in (
        "metadata.google.internal.example",
        "10.0.0.7",
        "http://metadata.google.internal",
        "[",
        "x@localhost:[",
    ):
        assert problems(s.VerifySettings, GOOD | {"GCE_METADATA_HOST": host})
    in_the_cloud = GOOD | {"GCE_METADATA_HOST": "localhost:8080", "K_SERVICE": "verify"}
    assert [line.split()[0] for line in problems(s.VerifySettings, in_the_cloud)] == ["GCE_METADATA_HOST"]

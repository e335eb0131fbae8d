"""What the parts of the local stack are started with."""

from pathlib import Path

from infra.local.configuration import Configuration
from infra.local.folder import SECRETS, Folder
from infra.local.parts import stand_ins


def test_a_token_that_begins_with_a_hyphen_is_no_option_of_its_own(tmp_path: Path) -> None:
    """One in sixty-four that are drawn does."""
    configuration = Configuration(8080, Folder(tmp_path), dict.fromkeys(SECRETS, "-token"), {})
    (siges,) = [part for part in stand_ins(configuration) if part.name == "siges"]
    assert "--token=-token" in siges.command
    assert "-token" not in siges.command

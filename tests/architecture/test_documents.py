"""Documents that list things list all of them."""

import re
import tomllib

from django.core.management import get_commands

from tests.architecture.tree import PACKAGES, ROOT

README = (ROOT / "README.md").read_text()


def test_every_setting_from_the_environment_is_in_the_readme() -> None:
    settings = (ROOT / "config" / "settings.py").read_text()

    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))

    assert len(read) > 15
    assert {name for name in read if f"`{name}`" not in README} == set()


def test_every_command_of_ours_is_in_the_readme() -> None:
    ours = {name for name, package in get_commands().items() if package in PACKAGES}

    assert "register_client" in ours
    assert {name for name in ours if f"`{name}" not in README} == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()

    pages = {page.name for page in folder.glob("0*.md")}

    assert pages
    assert {page for page in pages if f"({page})" not in index} == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for extra in extras.values() for name in extra)]
    reasons = (ROOT / "docs" / "adr" / "0002-dependencies.md").read_text().lower()

    names = {re.split(r"[\[<>=]", wish)[0].lower() for wish in wanted}

    assert len(names) > 20
    assert {name for name in names if name not in reasons} == set()

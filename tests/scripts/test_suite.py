"""The account that ``make test`` gives of itself."""

from pathlib import Path

import pytest

from config import env
from scripts import suite
from scripts.services import Service

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure message="no"/></testcase>
<testcase name="c"><error message="broke"/></testcase>
<testcase name="d"><skipped message="Redis does not answer"/></testcase>
</testsuite></testsuites>"""

ABSENT = Service("Nothing", "tcp://127.0.0.1:9", "nothing answers")


def test_what_passed_failed_and_was_skipped_is_counted_with_reasons(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    part = suite.Part("SQLite", suite.FAST)

    part._read(report)

    assert part.counts == {"passed": 1, "failed": 2, "skipped": 1}
    assert part.reasons == {"Redis does not answer": 1}


def test_a_part_without_tests_is_a_failure() -> None:
    part = suite.Part("SQLite", suite.FAST, code=5)

    assert part.line == "SQLite: FAILED, there were no tests"


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_a_missing_service_is_a_failure_only_where_it_is_required(
    required: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("REQUIRE_SERVICES", required)
    monkeypatch.setattr(suite, "SERVICES", (ABSENT,))
    monkeypatch.setattr(suite, "_parts", lambda _missing, _bodies: [])

    assert suite.main() == code

    printed = capsys.readouterr().out
    assert "nothing answers" in printed
    assert printed.endswith(f"0 passed, {code} failed, 0 skipped\n")


def test_the_independent_eyes_look_after_the_tests_on_every_database() -> None:
    names = [part.name for part in suite._parts([], "bodies")]

    assert names == ["SQLite", "PostgreSQL", "Independent eyes", "Journeys and browser"]


def test_the_connections_of_the_tests_on_postgresql_compile_no_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [part] = [part for part in suite._parts([], "bodies") if part.name == "PostgreSQL"]
    monkeypatch.setenv("DATABASE_URL", part.environment["DATABASE_URL"])

    options = env.database("DATABASE_URL", "")["OPTIONS"]

    assert options["options"] == "-c synchronous_commit=off -c jit=off"

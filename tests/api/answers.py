"""Reading answers and the whole database, for the tests of the machines' addresses."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection

from integrations.fhir.bindings import ISSUE_TYPES
from tests.cast import FHIR_JSON

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse

    Answer = _MonkeyPatchedWSGIResponse
else:
    Answer = object

Issue = dict[str, Any]


def issues(answer: Answer, status: int) -> list[Issue]:
    """The issues of a refusal, after making sure that it is a whole OperationOutcome."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == FHIR_JSON
    outcome = json.loads(answer.content)
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"]
    for issue in outcome["issue"]:
        assert issue["severity"] in {"error", "warning"}
        assert issue["code"] in ISSUE_TYPES
        assert issue["diagnostics"].endswith((".", "?"))
    found: list[Issue] = outcome["issue"]
    return found


def places(found: list[Issue]) -> set[tuple[str, str]]:
    """The code and the place of each issue."""
    return {(issue["code"], *issue.get("expression", [""])) for issue in found}


def errors(answer: Answer, status: int) -> list[dict[str, str]]:
    """The errors of a refusal outside FHIR."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    found: list[dict[str, str]] = json.loads(answer.content)["errors"]
    assert found
    assert all(error["code"] and error["message"] for error in found)
    return found


def row_counts() -> dict[str, int]:
    """How many rows each table holds."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    with connection.cursor() as cursor:
        # One statement: this is asked before and after very many requests.
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', COUNT(*) FROM {connection.ops.quote_name(table)}"  # noqa: S608
                for table in tables
            )
        )
        return dict(cursor.fetchall())


def stored_text() -> str:
    """Every column of every row as the database keeps it, to look for what must not be there."""
    return "\n".join(_stored_lines())


def _stored_lines() -> Iterator[str]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            yield from (str(row) for row in cursor.fetchall())

"""The shape of the code: sizes, docstrings, where queries may stand, what names may occur."""

import ast
import re
import subprocess

import pytest

from tests.architecture.tree import PACKAGES, ROOT, modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_module_is_longer_than_400_lines() -> None:
    too_long = [
        name
        for name, _ in modules()
        if len((ROOT / name).read_text().splitlines()) > LONGEST_MODULE
    ]

    assert too_long == []


def test_no_function_is_longer_than_40_lines() -> None:
    too_long = [
        f"{name}:{node.lineno} {node.name} ({_length(node)})"
        for name, tree in modules()
        for node in _functions(tree)
        if _length(node) > LONGEST_FUNCTION
    ]

    assert too_long == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in modules() if not ast.get_docstring(tree)]

    assert silent == []


def test_api_and_web_start_from_a_selector_never_from_a_manager() -> None:
    unscoped = [
        f"{name}:{node.lineno}"
        for name, tree in modules("api", "web")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager", "raw"}
    ]
    assert unscoped == []


def test_only_commands_and_periodic_tasks_reach_everybodys_rows() -> None:
    reaching = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and getattr(node, "id", getattr(node, "attr", "")) == "EVERYBODY"
    }
    at_work = {
        "audit/tasks.py",
        "referrals/tasks.py",
        "integrations/fhir/subscriptions/tasks.py",
        "integrations/fhir/exports/tasks.py",
    }  # sealing the audit; sweeping what stands still, or is over

    assert {name for name in reaching - at_work if "/management/commands/" not in name} == {
        "privacy/tenancy.py"
    }


def test_nothing_is_imported_inside_a_function() -> None:
    hidden = [
        f"{name}:{inner.lineno}"
        for name, tree in modules()
        for node in _functions(tree)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert hidden == []


def test_the_clock_is_read_only_at_the_edge() -> None:
    below = (
        "engagement",
        "referrals",
        "communities",
        "accounts",
        "audit",
        "integrations",
        "privacy",
    )
    readers = [
        f"{name}:{node.lineno}"
        for name, tree in modules(*below)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "today", "utcnow"}
        and "management" not in name
        and not name.endswith("/tasks.py")
    ]

    assert readers == []


def test_a_row_lock_with_joined_rows_locks_its_own_row_only() -> None:
    """PostgreSQL would lock the practice too, and hold up everything that is sent by it."""
    too_wide = [
        f"{name}:{node.lineno}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.Return | ast.Expr)
        and "select_for_update(" in (text := ast.unparse(node))
        and "select_related(" in text
        and "of=('self',)" not in text
    ]

    assert too_wide == []


@pytest.mark.parametrize(
    "word",
    [
        r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian",
        r"/w[o]rk/|/f[a]rm/|/tmp/b[r]ief",
        r"\bissue #?\d|\bsession \d",
    ],
)
def test_the_project_speaks_of_itself_alone(word: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.split() or [name for name, _ in modules()]
    own = [name for name in names if name != "tests/architecture/test_shape.py"]
    texts = {name: (ROOT / name) for name in own if not name.endswith((".png", ".gz", ".woff2"))}
    found = [
        name
        for name, path in texts.items()
        if path.is_file() and re.search(word, path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []


def test_every_package_is_among_the_import_contracts() -> None:
    contracts = (ROOT / "pyproject.toml").read_text()

    assert all(f'"{package}"' in contracts for package in PACKAGES)

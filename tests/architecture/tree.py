"""The project's own source files, for the tests that read them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "api", "web", "integrations", "engagement", "referrals", "communities") + (
    "accounts",
    "audit",
    "jobs",
    "privacy",
)


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module of these packages (default: all) but migrations: its path and its syntax tree."""
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                name = str(path.relative_to(ROOT))
                yield name, ast.parse(path.read_text(encoding="utf-8"))

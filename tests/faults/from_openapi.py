"""Requests that schemathesis makes up from ``openapi.yaml``: as it says, and against what it says."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import schemathesis
import yaml
from django.conf import settings as django_settings
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from tests.faults.fuzzing import FORM, Shot


def fire_all(fire: Callable[[Shot], None], *, each: int, number: int) -> None:
    """Make up to ``each`` requests for every operation and kind, and fire them. The same ``number``, the same ones."""
    text = (django_settings.BASE_DIR / "openapi.yaml").read_text(encoding="utf-8")
    schema = schemathesis.openapi.from_dict(yaml.safe_load(text))
    bounds = settings(
        max_examples=each, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]  # another test says that the file is valid
        for mode in schemathesis.GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)

            @bounds
            @seed(number)
            @given(case=cases)
            def send(case: Any) -> None:
                fire(_shot(case))

            try:
                send()
            except Unsatisfiable:
                continue  # without a parameter nothing can be made wrong


def _shot(case: Any) -> Shot:
    path = case.formatted_path + (
        f"?{urlencode(case.query, doseq=True, errors='replace')}" if case.query else ""
    )
    headers = {
        str(name): "".join(sign for sign in str(value) if " " <= sign <= "\xff")
        for name, value in (case.headers or {}).items()
    }
    kind = case.media_type or ""
    return Shot(case.method, path, _body(case.body, kind), kind, headers)


def _body(body: Any, kind: str) -> bytes:
    if isinstance(body, bytes):
        return body
    if kind == FORM and isinstance(body, dict):
        return urlencode(body, doseq=True, errors="replace").encode()
    try:
        return json.dumps(body).encode() if body is not None else b""
    except TypeError:
        return b""  # schemathesis' mark for "no body at all"

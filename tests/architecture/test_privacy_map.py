"""Every field of every model has a privacy class, and what identifies somebody is encrypted."""

import pytest
from django.apps import apps
from django.db import models

from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from tests.architecture.tree import PACKAGES

OURS = [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES]


def _fields(model: type[models.Model]) -> list[models.Field]:  # type: ignore[type-arg]
    return [*model._meta.local_fields, *model._meta.local_many_to_many]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_field_has_a_privacy_class(model: type[models.Model]) -> None:
    classes = getattr(model, "PRIVACY", {})

    assert set(classes) == {field.name for field in _fields(model)}
    assert all(isinstance(value, Privacy) for value in classes.values())


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_what_identifies_somebody_is_encrypted_in_the_row(model: type[models.Model]) -> None:
    classes = getattr(model, "PRIVACY", {})
    in_clear = [
        field.name
        for field in _fields(model)
        if classes[field.name] is Privacy.IDENTIFIES and not isinstance(field, EncryptedTextField)
    ]

    assert in_clear == []

"""Encrypting again, under the newest key, what was written under older ones. A batch at a time, beside the running service."""

from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Cast, Substr

from privacy.fields import KEY_ID_LENGTH, EncryptedTextField, key_ids

BATCH = 200


def models_with_encrypted_fields() -> list[type[models.Model]]:
    """Every table that holds something encrypted."""
    found = [model for model in apps.get_models() if _encrypted_fields(model)]
    return sorted(found, key=lambda model: model._meta.db_table)


@transaction.atomic
def reencrypt_next(model: type[models.Model]) -> int:
    """Encrypt the next rows of a table under the newest key and say how many; 0 when all are.

    The rows are locked, so nobody's change is lost. Raises LookupError when a row's key is not in FIELD_KEYS.
    """
    names = _encrypted_fields(model)
    stored = {_stored(name): Cast(name, models.TextField()) for name in names}
    is_old = Q()
    for column in stored:
        is_old |= ~Q(**{column: ""}) & ~Q(**{f"{column}__startswith": f"{key_ids()[0]}."})
    rows = _rows(model).annotate(**stored).filter(is_old).select_for_update()
    taken = list(rows.order_by("pk")[:BATCH])
    for row in taken:
        plain = {name: getattr(row, name) for name in names}
        _rows(model).filter(pk=row.pk).update(**plain)
    return len(taken)


def keys_in_use(model: type[models.Model]) -> set[str]:
    """The ids of the keys that something in this table is encrypted under."""
    found: set[str] = set()
    for name in _encrypted_fields(model):
        key_id = Substr(Cast(name, models.TextField()), 1, KEY_ID_LENGTH)
        found.update(_rows(model).values_list(key_id, flat=True).distinct())
    return found - {"", None}


def _rows(model: type[models.Model]) -> models.QuerySet[Any]:
    return models.QuerySet(model)  # whatever managers the model has


def _encrypted_fields(model: type[models.Model]) -> list[str]:
    fields = model._meta.concrete_fields
    return [field.attname for field in fields if isinstance(field, EncryptedTextField)]


def _stored(name: str) -> str:
    return f"stored_{name}"

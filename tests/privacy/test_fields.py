"""Fields that the database never sees in clear, and the hashes that find them."""

import base64
import os
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidTag
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import HostKey, Organisation
from privacy.fields import (
    decrypt,
    derived_bytes,
    encrypt,
    key_ids,
    keyed_hash,
    keyed_hashes,
    slow_keyed_hash,
    slow_keyed_hashes,
)

Write = Callable[..., str]
LookUp = Callable[..., list[str]]
# What PostgreSQL and JSON can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(TEXTS)
def test_what_was_encrypted_comes_back(plain: str) -> None:
    assert decrypt(encrypt(plain)) == plain


@given(TEXTS.filter(bool))
def test_equal_texts_look_different(plain: str) -> None:
    assert encrypt(plain) != encrypt(plain)


def test_the_text_is_not_in_what_is_stored() -> None:
    assert "canary" not in encrypt("canary")
    assert base64.b64encode(b"canary").decode()[:6] not in encrypt("canary")


def test_nothing_stays_nothing() -> None:
    assert encrypt("") == ""
    assert decrypt("") == ""


@pytest.mark.parametrize("place", [-30, -10, -3])
def test_a_stored_text_that_was_changed_is_not_read(place: int) -> None:
    stored = encrypt("a text that is long enough")
    other = "A" if stored[place] != "A" else "B"

    with pytest.raises(InvalidTag):
        decrypt(stored[:place] + other + stored[place + 1 :])


def test_after_a_new_key_old_texts_are_read_and_new_ones_use_it(settings: Settings) -> None:
    old = encrypt("old")
    settings.FIELD_KEYS = [os.urandom(32), *settings.FIELD_KEYS]

    new = encrypt("new")

    assert (decrypt(old), decrypt(new)) == ("old", "new")
    assert old.partition(".")[0] != new.partition(".")[0]


def test_without_its_key_a_text_is_not_read(settings: Settings) -> None:
    stored = encrypt("x")
    settings.FIELD_KEYS = [os.urandom(32)]

    with pytest.raises(LookupError):
        decrypt(stored)


def test_a_hash_finds_equal_values_of_one_purpose_only(settings: Settings) -> None:
    found = keyed_hash("9990000018", purpose="nhs-number")

    assert found == keyed_hash("9990000018", purpose="nhs-number")
    assert len(found) == 64
    assert found != keyed_hash("9990000018", purpose="link-hash")
    assert found != keyed_hash("9990000026", purpose="nhs-number")
    settings.FIELD_KEYS = [os.urandom(32)]
    assert found != keyed_hash("9990000018", purpose="nhs-number")


@pytest.mark.parametrize(
    ("written", "looked_up"),
    [(keyed_hash, keyed_hashes), (slow_keyed_hash, slow_keyed_hashes)],
    ids=["quick", "slow"],
)
def test_what_was_hashed_under_an_older_key_is_still_found(
    settings: Settings, written: Write, looked_up: LookUp
) -> None:
    old = written("x", purpose="p")
    settings.FIELD_KEYS = [os.urandom(32), *settings.FIELD_KEYS]

    new = written("x", purpose="p")

    assert new != old
    assert looked_up("x", purpose="p") == [new, old]


def test_the_slow_hash_is_nothing_without_the_key(settings: Settings) -> None:
    found = slow_keyed_hash("7KQXM2PDR9WA", purpose="p")
    settings.FIELD_KEYS = [os.urandom(32)]

    assert slow_keyed_hash("7KQXM2PDR9WA", purpose="p") != found


def test_what_is_derived_from_an_id_is_the_same_as_long_as_its_key_is_there(
    settings: Settings,
) -> None:
    [key_id] = key_ids()
    made = derived_bytes("7", purpose="link-code", key_id=key_id)
    assert made != derived_bytes("8", purpose="link-code", key_id=key_id)
    assert made != derived_bytes("7", purpose="another", key_id=key_id)

    settings.FIELD_KEYS = [os.urandom(32), *settings.FIELD_KEYS]
    assert derived_bytes("7", purpose="link-code", key_id=key_id) == made

    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    with pytest.raises(LookupError, match=key_id):
        derived_bytes("7", purpose="link-code", key_id=key_id)


@pytest.mark.django_db
def test_the_column_holds_no_clear_text() -> None:
    host = Organisation.objects.create(kind="host", name="x")
    key = HostKey.objects.create(
        organisation=host, secret="canary", registered_at="2026-01-01T00:00Z"
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_hostkey")
        [(stored,)] = cursor.fetchall()

    assert "canary" not in stored
    assert decrypt(stored) == "canary"
    key.refresh_from_db()
    assert key.secret == "canary"
    # A random nonce each time: the column cannot be searched, nor two rows compared.
    assert not HostKey.objects.filter(secret="canary").exists()

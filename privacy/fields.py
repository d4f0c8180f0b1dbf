"""Model fields that are encrypted in the row, and the keyed hashes that find them. Keys: newest first, each by its id."""

import base64
import hashlib
import hmac
import os
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings
from django.db import models

KEY_ID_LENGTH = 8
_NONCE_BYTES = 12
_BLOCK_BYTES = 16
# 40 ms and 16 MB a guess (measured on two cores), for codes that are short enough to be typed.
_SLOW = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


def key_ids() -> list[str]:
    """The ids of FIELD_KEYS, newest first. Whatever is written is written under the first."""
    return [_key_id(key) for key in settings.FIELD_KEYS]


def _key_id(key: bytes) -> str:
    return sha256(b"key-id" + key).hexdigest()[:KEY_ID_LENGTH]


def _key(key_id: str) -> bytes:
    for key in settings.FIELD_KEYS:
        if _key_id(key) == key_id:
            return bytes(key)
    raise LookupError(f"The key {key_id} is not in FIELD_KEYS.")


def _derived(key: bytes, purpose: str) -> bytes:
    """One purpose, one key: a sub-key by HKDF (RFC 5869), so that no two uses share key material."""
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose.encode()).derive(key)


def encrypt(plain: str) -> str:
    """AES-256-GCM under the newest key: ``<key id>.<base64 of nonce and ciphertext>``; "" stays ""."""
    if not plain:
        return ""
    key = settings.FIELD_KEYS[0]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_derived(key, "field")).encrypt(nonce, plain.encode(), None)
    return f"{_key_id(key)}.{base64.b64encode(sealed).decode()}"


def decrypt(stored: str) -> str:
    """What :func:`encrypt` was given; raises LookupError when its key is not among FIELD_KEYS."""
    if not stored:
        return ""
    key_id, _, body = stored.partition(".")
    sealed = base64.b64decode(body)
    opened = AESGCM(_derived(_key(key_id), "field"))
    return opened.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Text that the database never sees in clear. Not searchable: keep a keyed hash beside it to find rows."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: object
    ) -> str | None:
        return None if value is None else decrypt(value)


class EncryptedSetField(EncryptedTextField):
    """A set of codes, none with a line break, that the database never sees in clear."""

    _pyi_private_set_type: Any  # what type checkers read
    _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        codes = "\n".join(sorted(value)) if isinstance(value, frozenset | set) else value
        return super().get_prep_value(codes)

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Any:
        text = super().from_db_value(value, expression, connection)
        return frozenset(text.split("\n")) if text else frozenset()


def keyed_hash(value: str, *, purpose: str) -> str:
    """HMAC-SHA256 in hex under the newest key: equal values of one purpose are equal, nothing else shows."""
    return keyed_hashes(value, purpose=purpose)[0]


def keyed_hashes(value: str, *, purpose: str) -> list[str]:
    """The hash under each key, newest first: what to look a value up by, whenever its row was written."""
    return [_hmac(key, value, purpose).hex() for key in settings.FIELD_KEYS]


def slow_keyed_hash(value: str, *, purpose: str) -> str:
    """scrypt over the keyed hash under the newest key: for values short enough to be tried one by one."""
    return _slow(settings.FIELD_KEYS[0], value, purpose)


def slow_keyed_hashes(value: str, *, purpose: str) -> list[str]:
    """The slow hash under each key, newest first."""
    return [_slow(key, value, purpose) for key in settings.FIELD_KEYS]


def derived_bytes(identifier: str, *, purpose: str, key_id: str) -> bytes:
    """32 bytes made from a row's id: they need storing nowhere. LookupError when the key has been taken out."""
    return _hmac(_key(key_id), identifier, purpose)


def derived_keys(purpose: str) -> dict[str, bytes]:
    """The sub-key of one purpose for each of FIELD_KEYS, by key id, newest first."""
    return {_key_id(key): _derived(key, purpose) for key in settings.FIELD_KEYS}


def hidden_number(number: int, *, purpose: str) -> UUID:
    """An id from which only this service can tell the number: consecutive numbers say how many lie between them."""
    cipher = _one_block(next(iter(derived_keys(purpose).values()))).encryptor()
    return UUID(bytes=cipher.update(number.to_bytes(_BLOCK_BYTES, "big")) + cipher.finalize())


def number_behind(hidden: UUID, *, purpose: str) -> int | None:
    """The number that :func:`hidden_number` was given, under any key; None for what it never gave."""
    for key in derived_keys(purpose).values():
        cipher = _one_block(key).decryptor()
        number = int.from_bytes(cipher.update(hidden.bytes) + cipher.finalize(), "big")
        if number < 2**63:
            return number
    return None


def _one_block(key: bytes) -> Cipher[modes.ECB]:
    # A single block, in which there is no pattern that this mode could show.
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305


def _hmac(key: bytes, value: str, purpose: str) -> bytes:
    return hmac.new(_derived(key, purpose), value.encode(), sha256).digest()


def _slow(key: bytes, value: str, purpose: str) -> str:
    # The salt is the same for all, so that a code finds its row; the key under it is in no database.
    return hashlib.scrypt(_hmac(key, value, purpose), salt=purpose.encode(), **_SLOW).hex()

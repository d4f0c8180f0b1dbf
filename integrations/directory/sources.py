"""Where a feed is read from: a folder or a file of saved answers, or its address.

What a page says of its counts is never relied on. An address is asked for page after page, until one is empty.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import orjson

from integrations.outbound.addresses import OutboundRefused, OutboundUnavailable
from integrations.outbound.client import get

LARGEST_FILE = 256 * 2**20  # bytes
LARGEST_ANSWER = 32 * 2**20
LARGEST_FEED = 512 * 2**20  # all answers together
MOST_ANSWERS = 100_000
MOST_PAGES = 10_000
PER_PAGE = 100
_SECONDS = 30.0
_LIST, _DETAIL, _ABOUT = "service_list.json", "service_full.json", "api_details.json"
_BOM = b"\xef\xbb\xbf"


class FeedRefused(Exception):
    """The feed cannot be read as a whole; the text says what to do, and nothing is taken from it."""


class RowUnreadable(Exception):
    """One service of it cannot be read."""


@dataclass(frozen=True)
class Document:
    """A JSON object and where it was read: a file's name or an address."""

    place: str
    value: dict[str, Any]


class Source(Protocol):
    """What every kind of source can do. ``is_whole``: what is not in its list is not in the feed."""

    name: str
    is_whole: bool

    def about(self) -> Document | None:
        """What the feed says of itself. Raises FeedRefused."""

    def pages(self) -> Iterator[Document]:
        """Its list of services. Raises FeedRefused."""

    def detail(self, service_id: UUID) -> Document | None:
        """All that it says of one service, if it can be asked. Raises FeedRefused and RowUnreadable."""


class Files:
    """Saved answers: a folder (its list, what it says of itself, services in full) or a file with one page of a list."""

    def __init__(self, path: Path) -> None:
        self.name, self.is_whole = str(path.resolve()), True
        self._path, self._is_folder = path, path.is_dir()
        self._details: dict[UUID, Document] | None = None

    def about(self) -> Document | None:
        """``api_details.json`` of a folder."""
        path = self._path / _ABOUT
        return _file(path) if self._is_folder and path.exists() else None

    def pages(self) -> Iterator[Document]:
        """``service_list.json`` of a folder, or the file: one page, which may be the first of more."""
        page = _file(self._path / _LIST if self._is_folder else self._path)
        rows_in(page)
        self.is_whole = page.value.get("last_page") is not False
        yield page

    def detail(self, service_id: UUID) -> Document | None:
        """``services/<id>.json`` of a folder, or its ``service_full.json`` when that is this service."""
        if not self._is_folder:
            return None
        path = self._path / "services" / f"{service_id}.json"
        try:
            if path.exists():
                return _file(path)
            full = self._path / _DETAIL
            document = _file(full) if full.exists() else None
        except FeedRefused as error:
            raise RowUnreadable(str(error)) from error
        is_this = document and str(document.value.get("id")).lower() == str(service_id)
        return document if is_this else None


class Address:
    """A feed at its address, asked through the guard for addresses that others name."""

    def __init__(self, url: str) -> None:
        self.name, self.is_whole = url.rstrip("/"), True
        self._answers = self._bytes = 0

    def about(self) -> Document | None:
        """Its root."""
        return self._get("/")

    def pages(self) -> Iterator[Document]:
        """Page after page until one is empty, or the last one is followed by nothing new."""
        seen: set[object] = set()
        was_last = False
        for number in range(1, MOST_PAGES + 1):
            page = self._get(f"/services?page={number}&per_page={PER_PAGE}", is_optional=was_last)
            if page is None or not (rows := rows_in(page)):
                return
            ids = {str(row.get("id")) if isinstance(row, dict) else "" for row in rows}
            if ids <= seen:
                if was_last:
                    return
                raise FeedRefused(
                    f"{page.place} repeats what was on the pages before: they go in circles."
                )
            seen |= ids
            was_last = page.value.get("last_page") is True
            yield page
        raise FeedRefused(f"{self.name} has more than {MOST_PAGES} pages.")

    def detail(self, service_id: UUID) -> Document | None:
        """``/services/{id}``."""
        try:
            return self._get(f"/services/{service_id}")
        except _NotFound as error:
            raise RowUnreadable(str(error)) from error

    def _get(self, path: str, *, is_optional: bool = False) -> Document | None:
        """``is_optional``: any answer but a good one means that there is nothing."""
        url = f"{self.name}{path}"
        try:
            answer = get(url, timeout=_SECONDS, largest=LARGEST_ANSWER)
        except (OutboundRefused, OutboundUnavailable) as error:
            raise FeedRefused(f"{url} cannot be read: {error}") from error
        self._answers, self._bytes = self._answers + 1, self._bytes + len(answer.body)
        if self._answers > MOST_ANSWERS or self._bytes > LARGEST_FEED:
            raise FeedRefused(f"{self.name} is too large as a whole.")
        if answer.status != 200:
            if is_optional:
                return None
            raise _NotFound(f"{url} answers with the status {answer.status}.")
        return Document(url, _parsed(url, answer.body))


class _NotFound(FeedRefused):
    """An answer with another status than 200."""


def source_at(place: str) -> Source:
    """The source at a path or an address (``https://…``)."""
    return Address(place) if re.match(r"https?://", place) else Files(Path(place))


def rows_in(page: Document) -> list[Any]:
    """The rows of a page. Raises FeedRefused where it has no list of them."""
    rows = page.value.get("contents")
    if not isinstance(rows, list):
        raise FeedRefused(f"{page.place} has no list of services at $.contents.")
    return rows


def _file(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise FeedRefused(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(body) > LARGEST_FILE:
        raise FeedRefused(f"{path.name} is larger than {LARGEST_FILE // 2**20} MiB.")
    return Document(path.name, _parsed(path.name, body))


def _parsed(place: str, body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        raise FeedRefused(f"{place} is not JSON in UTF-8: {error}.") from error
    if not isinstance(value, dict):
        raise FeedRefused(f"{place} is not a JSON object.")
    return value

"""A table in a file as it comes from an official site: plain, gzipped or in a zip; its lines with their numbers."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

LONGEST_LINE = 65_536  # bytes
SHOWN = 50
_BOM = b"\xef\xbb\xbf"
# Whatever a damaged or encrypted archive makes the libraries raise.
_UNREADABLE = (OSError, EOFError, zlib.error, BadZipFile, RuntimeError, NotImplementedError)


class FileRefused(Exception):
    """The file cannot be taken; the text says why, line by line, and that nothing was changed."""


@dataclass
class Remarks:
    """What is wrong or odd in a file: the first of them with their lines, and how many there are."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, text: str) -> None:
        """Note something about a line."""
        self.count += 1
        if self.count <= SHOWN:
            self.first.append(f"line {line}: {text}")

    def __str__(self) -> str:
        more = self.count - len(self.first)
        return "\n".join([*self.first, *([f"and {more} more"] if more else [])])

    def refuse(self, path: Path) -> None:
        """Raises FileRefused if there is anything."""
        if self.count:
            raise FileRefused(f"{path.name}: {self.count} faults, nothing was changed.\n{self}")


def table_name(path: Path, member: str) -> str:
    """The name of the table that ``path`` holds: its own, or that of the one member of a zip that looks like ``member``."""
    if path.suffix.lower() != ".zip":
        return path.name
    try:
        with ZipFile(path) as archive:
            names = [name for name in archive.namelist() if re.search(member, name, re.IGNORECASE)]
    except _UNREADABLE as error:
        raise FileRefused(f"{path.name} cannot be read: {error}") from error
    if len(names) != 1:
        found = ", ".join(names[:5]) or "none"
        raise FileRefused(f"{path.name}: one table is expected in it, found: {found}.")
    return names[0]


def records(path: Path, *, faults: Remarks, member: str = "") -> Iterator[tuple[int, list[str]]]:
    """Each line of a CSV file with its number, split into cells; faults of encoding and quoting are noted, not yielded.

    ``member`` is the pattern of the table's name in a zip. One line at a time is in memory. Raises FileRefused.
    """
    try:
        with _opened(path, member) as file:
            for number, line in _lines(file, faults):
                if '"' not in line:
                    yield number, line.split(",")
                    continue
                try:
                    yield number, next(csv.reader((line,), strict=True))
                except csv.Error as error:
                    faults.add(number, f"quotes are wrong ({error})")
    except _UNREADABLE as error:
        raise FileRefused(f"{path.name} cannot be read to its end: {error}") from error


@contextmanager
def _opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    if path.suffix.lower() == ".zip":
        name = table_name(path, member)
        with ZipFile(path) as archive, archive.open(name) as file:
            yield file
    elif path.suffix.lower() == ".gz":
        with gzip.open(path) as file:
            yield file  # type: ignore[misc]  # reads bytes like any other
    else:
        with path.open("rb") as file:
            yield file


def _lines(file: IO[bytes], faults: Remarks) -> Iterator[tuple[int, str]]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            faults.add(number, f"longer than {LONGEST_LINE} bytes: this is no table of lines")
            return
        if number == 1:
            raw = raw.removeprefix(_BOM)
        try:
            line = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            faults.add(number, "not UTF-8")
            continue
        if line:
            yield number, line

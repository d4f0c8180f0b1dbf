"""The snapshot files of a release, in a folder or in the zip as it was downloaded, and their lines."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from hashlib import sha256
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, cast

from integrations.terminology.findings import Findings, ReleaseRefused, refuse
from integrations.terminology.kinds import KINDS, Kind

_READ_AHEAD = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
# Broken, cut off, behind a password, packed in a way that is not known.
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


class BadLine(Exception):
    """A line is not as it must be; the argument says how."""


@dataclass
class ReleaseFile:
    """A file of a release. ``digest`` is the SHA-256 of what was read of it so far."""

    name: str
    kind: Kind
    open: Opener

    def __post_init__(self) -> None:
        self.digest = sha256()

    def rows(self, findings: Findings) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Line numbers and values of every sound line after the header; what is wrong goes into ``findings``."""
        number = 0
        try:
            with self.open() as file:
                for number, raw in enumerate(file, 1):
                    self.digest.update(raw)
                    try:
                        if number > 1:
                            yield number, self._values(_text(raw))
                        else:
                            self._check_header(_text(raw.removeprefix(_BOM)))
                    except BadLine as error:
                        findings.add(self.name, number, str(error))
                        if number == 1:
                            return
        except _UNREADABLE as error:
            findings.add(self.name, number + 1, f"cannot be read: {error}")
        else:
            if not number:
                findings.add(self.name, 0, "is empty: it has no header")

    def _check_header(self, line: str) -> None:
        if line != "\t".join(self.kind.columns):
            raise BadLine(f"the columns must be {' '.join(self.kind.columns)}, separated by tabs")

    def _values(self, line: str) -> tuple[str, ...]:
        match = self.kind.row.fullmatch(line)
        if match is None:
            raise BadLine(self.kind.fault(line))
        values = match.groups()
        if not _is_date(values[1]):
            raise BadLine(f"effectiveTime is {values[1]!r}, and there is no such day")
        return values


def _text(raw: bytes) -> str:
    try:
        line = raw.decode()
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise BadLine(f"is not UTF-8: byte 0x{byte:02x} at position {error.start + 1}") from error
    if not line.endswith("\n"):
        raise BadLine("does not end with a line end: the file is cut off")
    return line[:-1].removesuffix("\r")


@cache
def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


@contextmanager
def open_release(path: Path) -> Iterator[list[ReleaseFile]]:
    """The files of a release that are read, by kind and name. Raises ReleaseRefused where they are not all there."""
    with ExitStack() as stack:
        if path.is_dir():
            texts = (file for file in path.rglob("*.txt") if file.is_file())
            found: dict[str, Opener] = {
                file.relative_to(path).as_posix(): partial(_open, file) for file in texts
            }
        else:
            try:
                archive = stack.enter_context(zipfile.ZipFile(path))
            except (OSError, zipfile.BadZipFile) as error:
                text = f"is neither a folder nor a whole zip file: {error}"
                raise refuse(path.name, text) from error
            found = {name: partial(_unpack, archive, name) for name in archive.namelist()}
        yield _files(found)


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _unpack(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return BufferedReader(cast(RawIOBase, archive.open(name)), _READ_AHEAD)  # quicker line by line


def _files(found: dict[str, Opener]) -> list[ReleaseFile]:
    files = [
        ReleaseFile(name, kind, found[name])
        for kind in KINDS
        for name in sorted(found)
        if kind.is_file(name.rpartition("/")[2])
    ]
    findings = Findings()
    for kind in KINDS:
        if kind.is_required and not any(file.kind is kind for file in files):
            findings.add(kind.example, 0, "no file with such a name is there")
    if findings.count:
        raise ReleaseRefused(findings)
    return files

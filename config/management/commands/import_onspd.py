"""``manage.py import_onspd FILE``: the ONS Postcode Directory or the National Statistics Postcode Lookup."""

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.timezone import localdate

from communities.boards import Boards
from communities.postcodes import known_postcodes, replace_postcodes
from integrations.geography.lines import FileRefused
from integrations.geography.onspd import ENGLISH_LSOAS, PostcodeFile, Survey, index_of, month_of


class Command(BaseCommand):
    """Replaces the table of postcodes by those of a file, after all of the file was read and found good."""

    help = "Imports an ONSPD or NSPL: a CSV file, gzipped, or the zip that holds it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and what it may not tell itself."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="read and report only")
        parser.add_argument(
            "--release", metavar="YYYY-MM", help="month of the release, if not in the file's name"
        )
        parser.add_argument(
            "--imd", type=int, choices=sorted(ENGLISH_LSOAS), help="year of England's index"
        )
        parser.add_argument(
            "--fewer", action="store_true", help="it may hold far fewer postcodes than are there"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read it once to check, once more to write."""
        at = timezone.now()
        file = PostcodeFile(options["file"], Boards.load(), localdate(at))
        try:
            release = _release(options["release"], file.name)
            for _ in file:
                pass
            file.faults.refuse(file.path)
            year = index_of(
                release=release,
                highest_rank=file.survey.highest_english_rank,
                asked=options["imd"],
            )
            self.stdout.write("\n".join(_report(file.survey, year)))
            _check_count(file.survey.postcodes, fewer=options["fewer"])
            if options["dry_run"]:
                self.stdout.write("Nothing was written.")
                return
            file.lsoas = ENGLISH_LSOAS[year] if year else None
            with transaction.atomic():
                count = replace_postcodes(file, edition=f"{file.name} of {release:%Y-%m}", at=at)
                file.faults.refuse(file.path)  # it could have been changed meanwhile
        except FileRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} postcodes are there now, those of {release:%B %Y}.")


def _release(given: str | None, name: str) -> date:
    if given and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", given):
        raise CommandError("--release is a month, such as 2026-05.")
    release = date.fromisoformat(f"{given}-01") if given else month_of(name)
    if release is None:
        raise CommandError(f"The name {name} does not tell its month: say --release YYYY-MM.")
    return release


def _check_count(count: int, *, fewer: bool) -> None:
    known = known_postcodes()
    if count == 0:
        raise FileRefused("The file holds no postcode.")
    if count * 2 < known and not fewer:
        raise FileRefused(
            f"The file holds {count} postcodes and would replace {known}: it seems to be a part."
            " Say --fewer if that is meant."
        )


def _report(survey: Survey, year: int | None) -> Iterator[str]:
    yield f"{survey.postcodes:9} postcodes, {survey.terminated} of them terminated"
    for country, count in sorted(survey.countries.items()):
        yield f"{count:9} in {country}"
    yield f"{survey.without_place:9} left out: the file says nothing of where they are"
    yield f"{survey.without_position:9} without a position"
    yield f"{survey.english_without_board:9} in England without a board"
    for change, count in sorted(survey.boards_followed.items()):
        yield f"{count:9} of the board {change}"
    for code, count in sorted(survey.unknown_authorities.items()):
        yield f"{count:9} in the local authority {code}, which is not in our table"
    if year:
        yield f"England's ranks are of the index of {year} ({ENGLISH_LSOAS[year]} areas)."
    else:
        yield "Nothing tells the year of England's index: no deciles. Say --imd 2019 or 2025."
    if survey.northern_irish:
        yield (
            f"{survey.northern_irish} postcodes are Northern Irish (BT): commercial use of these needs"
            " a licence of Land & Property Services."
        )

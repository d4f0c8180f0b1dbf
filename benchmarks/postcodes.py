"""A full-size ONSPD, made up: how long the import takes, how much memory, and what a lookup costs afterwards.

``BENCH_DATABASE_URL=… python -m benchmarks.postcodes [POSTCODES]`` makes a database of its own beside the
named one and removes it; without the variable SQLite in a file is measured.
Not part of ``make bench``: it takes minutes. The facts are invented; the shape is that of August 2025 (52 columns).
"""

import resource
import string
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from communities.loading import load_reference
from communities.models import LocalAuthority, Outcode
from communities.places import place_of

POSTCODES = 1_700_000
LOOKUPS = 2_000
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # those that second halves have
_HEADER = (
    "pcd7,pcd8,pcds,dointr,doterm,oscty,ced,oslaua,osward,parish,usertype,oseast1m,osnrth1m,osgrdind"
    ",oshlthau,nhser,ctry,rgn,streg,pcon,eer,teclec,ttwa,pct,itl,statsward,oa01,casward,npark,lsoa01"
    ",msoa01,ur01ind,oac01,oa11,lsoa11,msoa11,wz11,sicbl,bua11,ru11ind,oac11,lat,long,lep1,lep2,pfa"
    ",imd,calncv,icb,oa21,lsoa21,msoa21"
)

Done = TypeVar("Done")


def main() -> None:
    """Make the file, import it, import it again, look up."""
    postcodes = int(sys.argv[1]) if sys.argv[1:] else POSTCODES
    with TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":  # in a file, so that the memory is that of the import
            connection.settings_dict["TEST"]["NAME"] = str(Path(folder, "peer.sqlite3"))
        connection.creation.create_test_db(verbosity=0)
        try:
            _measure(Path(folder, "ONSPD_AUG_2025_UK.csv"), postcodes)
        finally:
            connection.creation.destroy_test_db("", verbosity=0)


def _measure(path: Path, postcodes: int) -> None:
    load_reference(at=timezone.now())
    outcodes = list(Outcode.objects.filter(country_code="E92000001").order_by("pk"))
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEADER + "\n")
        file.writelines(islice(_lines(outcodes), postcodes))
    _say(f"{postcodes} postcodes on {connection.vendor}, {path.stat().st_size / 1e6:.0f} MB")
    _say(f"memory before: {_peak():.0f} MB")
    _timed("read and reported", lambda: call_command("import_onspd", path, dry_run=True))
    for what in ("imported", "imported again, over the first"):
        _timed(what, lambda: call_command("import_onspd", path))
    _say(f"memory at its peak: {_peak():.0f} MB")
    some = [f"{outcode.pk} 1AA" for outcode in outcodes[:LOOKUPS]]
    took = _timed(f"{len(some)} lookups", lambda: [place_of(postcode) for postcode in some])
    if not all(place and not place.is_approximate for place in took):
        raise RuntimeError("A postcode that was imported is not found.")


def _lines(outcodes: list[Outcode]) -> Iterator[str]:
    """Postcodes that nobody has, in outcodes of England: as many as are asked for, spread over all of them."""
    row = dict.fromkeys(_HEADER.split(","), "E99999999") | {"icb": "E54000029", "ctry": "E92000001"}
    known = set(LocalAuthority.objects.values_list("pk", flat=True))
    halves = [f"{digit}{a}{b}" for digit in "1234567890" for a in _LETTERS for b in _LETTERS]
    number = 0
    for half in halves:
        for outcode in outcodes:
            number += 1
            row["pcd7"] = row["pcd8"] = row["pcds"] = f"{outcode.pk} {half}"
            row["doterm"] = "200109" if number % 3 == 0 else ""
            lad = outcode.local_authority_id or ""
            row["oslaua"] = lad if lad in known else "E99999999"
            row["imd"] = str(number % 32_844 + 1)
            row["lsoa21"] = f"E01{number % 33_755:06}"
            row["ru11ind"] = string.ascii_uppercase[number % 6] + "1"
            row["lat"], row["long"] = f"{outcode.latitude:.6f}", f"{outcode.longitude:.6f}"
            yield ",".join(row.values()) + "\n"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(what: str, act: Callable[[], Done]) -> Done:
    began, worked = time.perf_counter(), time.process_time()
    done = act()
    took, worked = time.perf_counter() - began, time.process_time() - worked
    _say(f"{what}: {took:.2f} s, of which {worked:.2f} s at work in this process")
    return done


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

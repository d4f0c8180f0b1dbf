"""Feeds as others publish them, made up here: a service that is an online community, and folders and sites of them."""

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import CommandError, call_command

from integrations.directory import terms

ID = "0190b000-0000-4000-8000-000000000001"
ABOUT = {
    "version": "HSDS-UK-3.0",
    "profile": "https://profile.example/",
    "openapi_url": "https://feed.example/openapi.json",
}


def attribute(fact: str, code: str, value: Any = None) -> dict[str, Any]:
    """A term of ours, as an attribute; ``value`` where it is a statement."""
    term = {"id": str(terms.id_of(fact, code)), "name": code, "description": code}
    found: dict[str, Any] = {"id": ID, "taxonomy_term": term}
    return found if value is None else found | {"value": value}


def schedule(days: str = "MO,TU,WE,TH,FR", begin: str = "09:00", end: str = "17:00") -> Any:
    """Hours that repeat every week."""
    return {"id": ID, "freq": "WEEKLY", "byday": days, "opens_at": begin, "closes_at": end}


def service(number: int = 1, **more: Any) -> dict[str, Any]:
    """An online community of an invented host, with all that a draft needs. ``more``: what is otherwise, or None."""
    row = {
        "id": f"0190b000-0000-4000-8000-{number:012}",
        "name": f"Example Harbour Talk {number} (fictional)",
        "description": "A made-up forum.",
        "url": f"https://harbour-talk-{number}.example/",
        "status": "active",
        "fees": "free",
        "minimum_age": 18,
        "languages": [{"id": ID, "code": "en"}],
        "organization": {"id": ID, "name": "Example Harbour (fictional)", "description": "Made up"},
        "schedules": [schedule()],
        "service_areas": [{"id": ID, "name": "All of it", "extent": "nation:UK"}],
        "attributes": [
            attribute("condition", "depression"),
            attribute("audience", "patients"),
            attribute("format", "forum"),
            attribute("moderated_by", "staff"),
            attribute("statement", "time_zone", "Europe/London"),
            attribute("statement", "crisis_policy", "Made up: shows the crisis page"),
            attribute("statement", "first_response_minutes", "90"),
        ],
    }
    return {name: value for name, value in (row | more).items() if value is not None}


def page(*rows: Any, **more: Any) -> dict[str, Any]:
    """A list of services in one page."""
    counts = {"total_items": len(rows), "total_pages": 1, "page_number": 1, "size": len(rows)}
    return {**counts, "first_page": True, "last_page": True, "contents": list(rows), **more}


def written(folder: Path, *rows: Any, about: Any = ABOUT, **more: Any) -> Path:
    """A folder of saved answers."""
    (folder / "api_details.json").write_text(json.dumps(about))
    (folder / "service_list.json").write_text(json.dumps(page(*rows, **more)))
    return folder


def run(place: Path | str, **options: Any) -> tuple[str, str]:
    """What the command says, and with what it ends: empty for 0, a sentence for 1."""
    out, ends = io.StringIO(), ""
    try:
        call_command("import_openreferral", str(place), stdout=out, **options)
    except CommandError as error:
        ends = str(error)
    return out.getvalue(), ends


def counts(said: str) -> dict[str, int]:
    """The counts of a report that are not 0."""
    found = re.findall(r"^ *(\d+)  (.+)$", said, re.MULTILINE)
    return {name: int(count) for count, name in found if int(count)}


def identity(number: int = 1) -> UUID:
    """The id of a service."""
    return UUID(service(number)["id"])


@contextmanager
def site(answers: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """A feed at an address of this machine (path with query → answer; bytes as they stand), and what it is asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = answers.get(self.path, answers.get(self.path.partition("?")[0]))
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

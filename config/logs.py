"""One JSON object a line. Only named fields leave: never a body, an address with a code, a name or a token."""

import json
import logging
import re
from datetime import UTC, datetime

_FIELDS = ("job", "kind", "error", "status_code", "position", "mac")
# Everything from the first address or path on: an address may hold a code, a number or a name with spaces in it.
_FROM_ADDRESS_ON = re.compile(r"(?<!\w)/.*", re.DOTALL)


class JsonFormatter(logging.Formatter):
    """Time in UTC, level, logger, message, and a short list of extra fields.

    Of an address that was asked for only the pattern that it fits is kept, such as ``fhir/R4/Patient/<str:…>``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line. Of an exception only its type and place are kept: its text may carry data."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: str(getattr(record, name)) for name in _FIELDS if hasattr(record, name)}
        if match := getattr(getattr(record, "request", None), "resolver_match", None):
            line["route"] = match.route
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            if trace:
                line["where"] = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        return json.dumps(line, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    # Django quotes what was sent, such as a host name; the logger's name and the error say what it was.
    if record.name.startswith("django.security."):
        return "refused"
    return _FROM_ADDRESS_ON.sub("/…", record.getMessage())

"""google-fhir-r4 as a checker: required codes, ids, dates, reference targets, unknown and missing elements.

Runs in its own environment. Reads one body a line, each as a JSON string; writes one line for each: its faults.
"""

import json
import sys

from google.fhir.core import fhir_errors  # type: ignore[import-not-found]
from google.fhir.r4 import json_format  # type: ignore[import-not-found]
from google.fhir.r4.proto.core.resources import (  # type: ignore[import-not-found]
    bundle_and_contained_resource_pb2,
)


def faults_of(body: str) -> list[str]:
    """The first fault that it finds; none when it accepts the body."""
    try:
        json_format.json_fhir_string_to_proto(
            body, bundle_and_contained_resource_pb2.ContainedResource
        )
    except (fhir_errors.InvalidFhirError, ValueError) as error:
        return [str(error)]
    return []


def main() -> None:
    """From standard input to standard output."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(faults_of(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()

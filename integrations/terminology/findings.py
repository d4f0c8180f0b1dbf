"""What is wrong with a release, and where."""

from dataclasses import dataclass, field

_MOST = 50


@dataclass(frozen=True, order=True)
class Finding:
    """A fault in a file of a release; ``line`` is 0 where it is about the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass
class Findings:
    """Every fault is counted, the first fifty are kept."""

    first: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, file: str, line: int, text: str) -> None:
        """Note a fault."""
        self.count += 1
        if len(self.first) < _MOST:
            self.first.append(Finding(file, line, text))


class ReleaseRefused(Exception):
    """A release has faults; nothing of it was taken."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(f"{findings.count} faults")
        self.findings = findings


def refuse(file: str, text: str) -> ReleaseRefused:
    """The refusal for a single fault of a file as a whole."""
    findings = Findings()
    findings.add(file, 0, text)
    return ReleaseRefused(findings)

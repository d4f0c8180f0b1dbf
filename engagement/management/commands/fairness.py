"""``manage.py fairness [--matcher VERSION] [--icb ODS] [--json]``: whether the matcher serves groups of people alike."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Organisation, OrganisationKind
from engagement.faces import fairness_as_values
from engagement.fairness import WIDEST_GAP, Fairness, Matcher, Rate, fairness
from privacy.tenancy import EVERYBODY, reaching

GAP_FOUND = 2


class Command(BaseCommand):
    """Compares what groups were offered and what came of it. Ends with 2 when one of them is behind."""

    help = "Compares what groups of people were offered and what came of it. Ends with 2 when one is behind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which matcher, which ICB, and in which form."""
        parser.add_argument("--matcher", metavar="VERSION", help="one version; default: each")
        parser.add_argument("--icb", metavar="ODS", help="one ICB's referrals; default: all")
        parser.add_argument("--json", action="store_true", help="write JSON instead of lines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Count, compare, and fail where a group is behind."""
        figures = _figures(options["icb"])
        if version := options["matcher"]:
            ours = tuple(one for one in figures.matchers if one.version == version)
            if not ours:
                known = ", ".join(one.version for one in figures.matchers) or "none"
                raise CommandError(
                    f"No referral of the last twelve months was judged by {version}. There are: {known}."
                )
            figures = replace(figures, matchers=ours)
        if options["json"]:
            self.stdout.write(json.dumps(fairness_as_values(figures)))
        else:
            for matcher in figures.matchers:
                self._write(matcher)
        gaps = sum(len(matcher.gaps) for matcher in figures.matchers)
        if gaps:
            raise CommandError(
                f"{gaps} shares are more than {WIDEST_GAP} points behind. Look into each of them.",
                returncode=GAP_FOUND,
            )

    def _write(self, matcher: Matcher) -> None:
        self.stdout.write(f"matcher {matcher.version}")
        for breakdown in matcher.breakdowns:
            unknown = breakdown.percent_unknown
            share = "" if unknown is None else f" ({unknown}%)"
            self.stdout.write(
                f"{breakdown.dimension.key}: not known of {breakdown.unknown.text}{share}"
            )
            for group in breakdown.groups:
                for rate in group.rates:
                    self.stdout.write(f"  {group.key:<8}{_line(rate)}")


def _figures(ods_code: str | None) -> Fairness:
    now = timezone.now()
    if not ods_code:
        with reaching(EVERYBODY):
            return fairness(icb=None, at=now)
    icb = Organisation.objects.filter(kind=OrganisationKind.ICB, ods_code=ods_code).first()
    if icb is None:
        raise CommandError(f"There is no ICB with the ODS code {ods_code}.")
    return fairness(icb=icb, at=now)


def _line(rate: Rate) -> str:
    figures = f"{rate.part.text} of {rate.whole.text}"
    share = "" if rate.percent is None else f"{rate.percent}%"
    others = "" if rate.others_percent is None else f"{rate.others_percent}%"
    between = "" if rate.low is None else f"{rate.low:+} to {rate.high:+}"
    return f"{rate.outcome.key:<12}{figures:<18}{share:>5}{others:>6}  {between:<14}{rate.verdict}"

"""Gives any template the safety texts, without a request, a context or a database."""

from django import template

from communities.safety import TEXTS, SafetyTexts

register = template.Library()


@register.simple_tag
def safety() -> SafetyTexts:
    """``{% safety as safety %}``"""
    return TEXTS

"""Narrative may be shown in a browser, so only harmless XHTML is taken."""

import pytest

from tests.integrations.fhir.cast import check, example

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def _check(div: str) -> list[tuple[str, str]]:
    return check(example("patient") | {"text": {"status": "generated", "div": div}})


@pytest.mark.parametrize(
    "inner",
    [
        "Hello",
        '<p style="color: red" class="x">a<br/>b</p>',
        '<a name="top">x</a> <a href="https://example.org/a:b">x</a> <a href="#top">x</a>',
        '<img src="data:image/png;base64,AAAA" alt="x"/>',
        '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>',
        '<p style="background: url(data:image/png;base64,AAAA)">x</p>',
        "<p style=\"fill: url('#pattern')\">x</p>",
        '<p style="background: URL( img/tick.png )">x</p>',
        '<p xml:lang="cy" lang="cy">x</p>',
        "<!-- note -->x &amp; &#233;",
    ],
)
def test_plain_xhtml_is_taken(inner: str) -> None:
    assert _check(f"<div {XHTML}>{inner}</div>") == []


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        '<p onclick="alert(1)">x</p>',
        '<p ONCLICK="alert(1)">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java&#10;script:alert(1)">x</a>',
        '<a href="JaVaScRiPt:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<img src="vbscript:x"/>',
        '<img src="data:image/svg+xml,x"/>',
        "<iframe>x</iframe>",
        "<form>x</form>",
        "<object>x</object>",
        '<link rel="stylesheet"/>x',
        "<style>p {}</style>x",
        '<svg xmlns="http://www.w3.org/2000/svg"><a>x</a></svg>',
        '<p style="background: url(javascript:x)">x</p>',
        '<p style="background: url(https://example.org/seen.png)">x</p>',
        '<p style="background: url(//example.org/seen.png)">x</p>',
        '<p style="background: url(/seen.png)">x</p>',
        "<p style=\"background: image-set('https://example.org/seen.png' 1x)\">x</p>",
        '<p style="width: expression(x)">x</p>',
        '<a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="x">x</a>',
        '<p formaction="x">x</p>',
    ],
)
def test_what_could_run_or_load_something_is_refused(inner: str) -> None:
    assert _check(f"<div {XHTML}>{inner}</div>") == [("security", "Patient.text.div")]


@pytest.mark.parametrize(
    "div",
    [
        "plain text",
        "<div>no namespace</div>",
        f"<p {XHTML}>x</p>",
        f"<div {XHTML}><p>x</div>",
        f"<div {XHTML}>&nbsp;</div>",
        f"<div {XHTML}>x</div><p>y</p>",
        f"<div {XHTML}>\ud800</div>",
    ],
)
def test_narrative_is_one_well_formed_div(div: str) -> None:
    assert _check(div) == [("structure", "Patient.text.div")]


def test_narrative_has_content() -> None:
    assert _check(f"<div {XHTML}> <p/> </div>") == [("invariant", "Patient.text.div")]


def test_a_document_type_is_refused_before_its_entities_are_read() -> None:
    bomb = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 30))
    div = f'<!DOCTYPE div [<!ENTITY a0 "x">{bomb}]><div {XHTML}>&a29;</div>'

    assert _check(div) == [("security", "Patient.text.div")]


def test_narrative_of_any_depth_and_length_is_read() -> None:
    assert _check(f"<div {XHTML}>{'<b>' * 100_000}x{'</b>' * 100_000}</div>") == []

"""Narrative: only the harmless XHTML that R4 allows, because somebody will show it in a browser."""

import re
from collections.abc import Iterator
from xml.parsers import expat

from integrations.fhir import fields
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.structure import Node

_XHTML = "http://www.w3.org/1999/xhtml"
_TAG_NAMES = (
    "a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd del dfn"
    " div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q samp small span strong sub"
    " sup table tbody td tfoot th thead tr tt ul var"
)
_ATTRIBUTE_NAMES = (
    "abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset"
    " cite class colspan compact coords dir frame headers height href hreflang hspace id lang"
    " longdesc name nowrap rel rev rowspan rules scope shape span src start style summary tabindex"
    " title type valign value vspace width"
)
_TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_ADDRESSES = {"href", "src", "cite", "longdesc"}
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_SCHEMES = {"http", "https", "mailto", "tel", "urn"}
_ACTIVE_STYLE = re.compile(
    r"expression|@import|behavio|-moz-binding|\\|image-set|\b(?:image|src)\s*\(", re.IGNORECASE
)
_STYLE_IMAGE = re.compile(  # or a file beside it, as the publishers of implementation guides write
    r"#|data:image/(?:png|jpeg|gif)[;,]|\s*[\w.-]+(?:/[\w.-]+)*\s*\Z", re.IGNORECASE | re.ASCII
)
_STYLE_ADDRESS = re.compile(r"url\s*\(\s*['\"]?(?P<address>[^)'\"]*)", re.IGNORECASE)


class _Reader:
    """Listens to the XML parser and notes each kind of fault once."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.has_content = False
        self.is_begun = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        if not self.is_begun and (namespace, tag) != (_XHTML, "div"):
            self.faults["Narrative must be one div in the XHTML namespace."] = "structure"
        elif tag not in _TAGS or namespace != _XHTML:
            self.faults["Narrative holds a tag that R4 does not allow."] = "security"
        self.is_begun = True
        self.has_content = self.has_content or tag == "img"
        for attribute, value in attributes.items():
            self._attribute(attribute.removeprefix("http://www.w3.org/XML/1998/namespace "), value)

    def _attribute(self, name: str, value: str) -> None:
        if name not in _ATTRIBUTES:
            self.faults["Narrative holds an attribute that R4 does not allow."] = "security"
        elif name in _ADDRESSES and not _is_safe_address(value):
            self.faults["Narrative holds a link that could run or load something."] = "security"
        elif name == "style" and not _is_safe_style(value):
            self.faults["Narrative holds a style that could run or load something."] = "security"

    def text(self, characters: str) -> None:
        self.has_content = self.has_content or bool(characters.strip())

    def doctype(self, *_declaration: object) -> None:
        self.faults["Narrative must not have a document type declaration."] = "security"
        # FHIR forbids it, and entities hide in it: nothing after it is read.
        raise ValueError


def check(node: Node) -> Iterator[Finding]:
    """Faults of a Narrative's div."""
    div = fields.text(node.value, "div")
    if node.type_name == "Narrative" and div:
        at = f"{node.at}.div"
        for text, code in _faults(div).items():
            yield unprocessable(code, text, at)


def _faults(div: str) -> dict[str, str]:
    """The faults of the XHTML: sentence to issue type."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(div, True)  # noqa: FBT003 - the argument has no name
    except (expat.ExpatError, ValueError):
        return reader.faults or {"Narrative is not well-formed XHTML.": "structure"}
    if not reader.has_content:
        reader.faults["Narrative has no content."] = "invariant"
    return reader.faults


def _is_safe_address(value: str) -> bool:
    # Browsers skip white space and control characters inside a scheme.
    compact = re.sub(r"[\x00-\x20]", "", value)
    found = _SCHEME.match(compact)
    if found is None:
        return True
    return found["scheme"].lower() in _SCHEMES or compact.lower().startswith(
        ("data:image/png", "data:image/jpeg", "data:image/gif")
    )


def _is_safe_style(value: str) -> bool:
    """Whether a style stays inside the narrative, as R4 wants it (txt-1): what it loads would tell who reads it."""
    addresses = _STYLE_ADDRESS.findall(value)
    return not _ACTIVE_STYLE.search(value) and all(map(_STYLE_IMAGE.match, addresses))

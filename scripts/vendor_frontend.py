"""Makes web/static/web/nhsuk-*.min.css from the design system. Needs Node; only for development.

Run it again after a template starts to use a class of the design system: rules that no template
uses are left out. What is served is the committed result; nothing of Node runs in production.

    python -m scripts.vendor_frontend
"""

import gzip
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

PACKAGE: Final = "nhsuk-frontend"
VERSION: Final = "10.6.1"
TOOLS: Final = ("sass@1.108.2", "purgecss@8.0.0")
FONT_STACK: Final = 'arial, "Liberation Sans", helvetica, "Noto Sans", sans-serif'
COMPONENTS: Final = (
    *("button", "error-message", "error-summary", "fieldset", "hint", "label"),
    *("checkboxes", "input", "radios", "select", "textarea", "date-input"),
    *("details", "do-dont-list", "inset-text", "panel", "summary-list", "tables", "tag"),
    *("back-link", "footer", "skip-link", "card", "header"),
)
DONE: Final = (
    "compiled with sass from the listed components",
    "no @font-face and no remote font: an explicit font stack instead",
    "rules that no template uses removed with purgecss, and the pictured button of search fields",
)
# The one rule that asks for a picture; no field here is of that type.
PICTURED: Final = re.compile(r"[^{}]*::-webkit-search-cancel-button[^{}]*\{[^{}]*\}")

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "web" / "static" / "web"

LICENCE: Final = f"""\
{PACKAGE} {VERSION}
Copyright (c) NHS England

The MIT License (MIT)

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def entry_sheet() -> str:
    """The Sass that picks the components. Without a font the package names none at all."""
    base = f"{PACKAGE}/dist/nhsuk"
    uses = "\n".join(f'@forward "{base}/components/{name}";' for name in COMPONENTS)
    return (
        f'@forward "{base}/core/settings" with '
        "($nhsuk-include-font-face: false, $nhsuk-font-family: (arial, sans-serif));\n"
        f'@forward "{base}/core";\n{uses}\n'
    )


def run(tool: str, *arguments: str, folder: Path) -> str:
    """Runs one command in the temporary folder and returns what it printed."""
    path = shutil.which(tool, path=f"{folder}/node_modules/.bin") or shutil.which(tool)
    if path is None:
        sys.exit(f"{tool} was not found: install Node.js and npm to rebuild the style sheet")
    done = subprocess.run(
        [path, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def build(folder: Path) -> str:
    """Installs, compiles and trims; returns the style sheet."""
    run(
        *("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"),
        *(f"{PACKAGE}@{VERSION}", *TOOLS),
        folder=folder,
    )
    (folder / "entry.scss").write_text(entry_sheet())
    run(
        *("sass", "--style=compressed", "--no-source-map", "--quiet-deps"),
        *("--load-path=node_modules", "entry.scss", "whole.css"),
        folder=folder,
    )
    content = [str(ROOT / "web" / "**" / "*.html"), str(ROOT / "web" / "templatetags" / "*.py")]
    arguments = ["--css", "whole.css", "--content", *content, "--output", "small.css"]
    run("purgecss", *arguments, folder=folder)
    css = PICTURED.sub("", (folder / "small.css").read_text().strip())
    return f"/*! {PACKAGE} {VERSION} | MIT | NHS England */html{{font-family:{FONT_STACK}}}{css}\n"


def integrity(folder: Path) -> str:
    """The checksum by which npm knows the package."""
    lock = json.loads((folder / "package-lock.json").read_text())
    return str(lock["packages"][f"node_modules/{PACKAGE}"]["integrity"])


def refuse_remote(css: str) -> None:
    """The content policy allows no font, picture or sheet from elsewhere, nor data: addresses."""
    found = [word for word in ("@font-face", "@import", "url(", "Frutiger") if word in css]
    if found:
        sys.exit(f"the style sheet still holds {', '.join(found)}")


def main() -> None:
    """Writes the style sheet, the licence notice and the record of where they come from."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        css = build(folder)
        checksum = integrity(folder)
    refuse_remote(css)
    sheet = TARGET / f"{PACKAGE.removesuffix('-frontend')}-{VERSION}.min.css"
    sheet.write_text(css)
    (TARGET / "LICENSE-nhsuk-frontend.txt").write_text(LICENCE)
    record = {
        "package": PACKAGE,
        "version": VERSION,
        "licence": "MIT",
        "copyright": "NHS England",
        "integrity": checksum,
        "file": sheet.name,
        "components": list(COMPONENTS),
        "tools": list(TOOLS),
        "done": list(DONE),
    }
    (TARGET / "vendor.json").write_text(json.dumps(record, indent=2) + "\n")
    logger.info(
        "%s: %d bytes, %d by gzip", sheet.name, len(css.encode()), len(gzip.compress(css.encode()))
    )


if __name__ == "__main__":
    main()

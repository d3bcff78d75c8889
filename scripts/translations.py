"""The pages' words: collect them from the sources, merge them into the catalogs, compile those.

`python scripts/translations.py` after changing a sentence; then fill in what it lists. `--check` changes
nothing and fails where a catalog is not current.
"""

import argparse
import datetime as dt
import io
import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCES = Path(__file__).parent.parent / "src" / "tiyin"
LOCALES = SOURCES / "web" / "locales"
DOMAIN = "tiyin"
LANGUAGES = ("ru", "uz")

_METHODS = [
    ("web/**.py", "python"),
    ("emulator/**.py", "python"),
    ("**/templates/**.html", "jinja2.ext.babel_extract"),
]
_OPTIONS = {"**/templates/**.html": {"trimmed": "true"}}
_HEADER = "# The pages' words. Made by scripts/translations.py; only the translations are written by hand."

# A compiled catalog has to name a moment; with the present one, the same words would not make the same bytes.
_NO_DATE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def collect() -> Catalog:
    """Return a catalog of every sentence that the sources mark for translation."""
    catalog = Catalog(project="tiyin", charset="utf-8", header_comment=_HEADER)
    found = extract_from_dir(
        str(SOURCES), _METHODS, _OPTIONS, keywords={"_": None, "N_": None, "ngettext": (1, 2)}
    )
    for name, _, message, comments, context in found:
        # Without line numbers a catalog changes only when words do.
        catalog.add(message, locations=[(f"src/tiyin/{name}", 0)], auto_comments=comments, context=context)
    return catalog


def merged(language: str, template: Catalog) -> Catalog:
    """Return a language's catalog with the template's sentences and the translations that it had."""
    path = po_path(language)
    catalog = Catalog(locale=language, project="tiyin", charset="utf-8", header_comment=_HEADER)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = _HEADER
    return catalog


def po_path(language: str) -> Path:
    """Return where a language's catalog stands."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def missing(catalog: Catalog) -> list[str]:
    """Return the sentences of a catalog that have no translation, or not in every plural form."""
    return [str(message.id) for message in catalog if message.id and not all(_strings(message.string))]


def written(catalog: Catalog) -> tuple[bytes, bytes]:
    """Return a catalog as text and compiled."""
    # The header is our own: Babel's carries dates, by which the same words would not make the same bytes.
    fields = {
        "Language": str(catalog.locale),
        "Plural-Forms": catalog.plural_forms,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in fields.items())
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalog, width=100, omit_header=True, sort_output=True, include_lineno=False)
    content = f'{_HEADER}\nmsgid ""\nmsgstr ""\n{lines}\n'.encode() + text.getvalue()
    final = read_po(io.BytesIO(content), locale=catalog.locale)
    final.creation_date = final.revision_date = _NO_DATE
    write_mo(compiled, final)
    return content, compiled.getvalue()


def main() -> int:
    """Bring the catalogs up to date, or tell what is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail where a catalog is not current"
    )
    check = parser.parse_args().check
    template, problems = collect(), []
    for language in LANGUAGES:
        catalog = merged(language, template)
        problems += [f"{language}: not translated: {sentence}" for sentence in missing(catalog)]
        po = po_path(language)
        for path, content in zip((po, po.with_suffix(".mo")), written(catalog), strict=True):
            if path.exists() and path.read_bytes() == content:
                continue
            if check:
                problems.append(f"{language}: {path.name} is not current: run scripts/translations.py")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    print("\n".join(problems) or "The catalogs are current.")
    return 1 if problems else 0


def _strings(string: Any) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (string,)


if __name__ == "__main__":
    sys.exit(main())

"""What axe finds wrong with a page for people who cannot see it, or see it otherwise.

axe is the checker that browsers' own tools use; its script comes with the package axe-playwright-python. The
pages let no foreign script in, so it is run as a debugger runs what is typed into its console.
"""

from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Frame, Page

__all__ = ["problems"]

_SCRIPT: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# All rules that say what is wrong, the recommended ones too; those marked experimental are left out by axe,
# and only they would need the style sheets fetched once more.
_RUN: Final = "() => axe.run(document, {resultTypes: ['violations'], preload: false})"


def problems(page: Page | Frame) -> list[str]:
    """Return what axe finds on a page, one line for each element that is wrong.

    Args:
        page: A page, or a frame of one, that has settled.
    """
    page.evaluate(_SCRIPT)
    found: Any = page.evaluate(_RUN)
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))}: {' '.join(node['failureSummary'].split())}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]

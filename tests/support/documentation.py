"""The pages of the documentation, and the examples and tables in them."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Example:
    """A code block whose first line ends in `run`, and the block after it that shows its output."""

    page: Path
    language: str
    code: str
    shown_as: str
    shown: str

    @property
    def name(self) -> str:
        """The page and the first call, for the list of tests."""
        call = re.search(r"localhost:\d+(/\w+)|client\.(\w+)\(", self.code)
        return f"{self.page.name}-{(call[1] or call[2]) if call else self.language}"


def examples() -> list[Example]:
    """Every example of every page."""
    blocks = re.compile(
        r"^```(\w+) run\n(.*?)^```\n(?:```(json|text)\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
    )
    return [Example(page, *found) for page in PAGES for found in blocks.findall(page.read_text())]


def table(page: str, heading: str = "") -> list[list[str]]:
    """The cells of the first table of a page, or below a heading, without backticks and head."""
    text = (ROOT / page).read_text()
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = text[text.index("\n|") + 1 :].partition("\n\n")[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines[2:]]
    assert rows, f"{page} has no table below {heading!r}"
    return [[cell.strip().replace("`", "") for cell in row] for row in rows]

"""Every Python example of the README and of the pages in docs runs and prints what it shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for path in folder.glob("*.md")
)
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/guide.md",
        "docs/compat.md",
        "docs/entropic.md",
        "docs/minibatch.md",
        "docs/pyramid.md",
        "docs/sliced.md",
        "docs/torch.md",
    ],
)
def test_examples_of_a_page(page: str) -> None:
    blocks = EXAMPLE.findall((ROOT / page).read_text(encoding="utf-8"))
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, page, 0)
    assert test.examples
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)


def test_the_short_example_is_short() -> None:
    (block,) = EXAMPLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(block.splitlines()) <= 15


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).is_file(), f"{page}: {link}"

"""pytest plugin of modfix: collects the fixture folders of codemods.

    [tool.pytest.ini_options]
    testpaths = ["tests", "fixtures"]
    modfix_fixtures = ["fixtures"]  # folders of <codemod>/<case>/before.py

Every case is collected as ``fixtures/<codemod>/<case>`` with the tests ``rewrite`` (what the codemod does to the
text) and ``behaviour`` (both versions run and give the same bits; skipped without torch). The plugin is loaded
wherever modfix is installed, so nothing is imported before a project asks for it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_OPTION = "modfix_fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option ``modfix_fixtures``."""
    parser.addini(_OPTION, "folders that hold fixtures of modfix codemods", type="paths", default=[])


@pytest.hookimpl(optionalhook=True)  # new in pytest 8; an older pytest must not fail just because modfix is installed
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take over the folder of a case, two levels below one of the configured folders."""
    folders = parent.config.getini(_OPTION)
    if not folders or path.parent.parent not in folders:
        return None

    from modfix.testing.collect import CaseFolder
    from modfix.testing.fixtures import is_case

    return CaseFolder.from_parent(parent, path=path) if is_case(path) else None

"""What the pytest plugin collects. Apart from the plugin, because pytest 7 lacks `pytest.Directory`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modfix.testing import behaviour
from modfix.testing.fixtures import Case, read_case
from modfix.testing.harness import run_case

_DIFFERENCES = pytest.StashKey[dict[Path, list[str]]]()


class CaseFolder(pytest.Directory):
    """The folder of one fixture."""

    def collect(self) -> Iterator[pytest.Item]:
        """The two tests of the fixture."""
        case = read_case(self.path)
        yield RewriteTest.from_parent(self, name="rewrite", case=case)
        if case.is_run:
            yield BehaviourTest.from_parent(self, name="behaviour", case=case)


class _CaseTest(pytest.Item):
    def __init__(self, *, case: Case, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]  # pytest's own, passed through
        self.case = case

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where to look when the test fails."""
        return self.path, None, f"{self.case.codemod}/{self.case.name}: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The message alone for a failed check, since the traceback is about the harness."""
        if excinfo.errisinstance(AssertionError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))


class RewriteTest(_CaseTest):
    """What the codemod does to the text of the fixture."""

    def runtest(self) -> None:
        """Run `modfix.testing.harness.run_case`."""
        run_case(self.case)


class BehaviourTest(_CaseTest):
    """Both versions of the fixture compute the same bits."""

    def runtest(self) -> None:
        """Look the case up in the one comparison that is made for all collected fixtures."""
        if reason := behaviour.unavailable():
            pytest.skip(reason)
        stash = self.config.stash
        if _DIFFERENCES not in stash:
            collected = [item.case for item in self.session.items if isinstance(item, BehaviourTest)]
            stash[_DIFFERENCES] = behaviour.compare_cases(collected)
        found = stash[_DIFFERENCES][self.case.folder]
        assert not found, "\n".join(found)

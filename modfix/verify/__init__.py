"""Prove that two versions of a project compute the same, by running both.

In anyone's tests:

    from modfix.verify import compare, model_case

    def test_the_refactoring_changes_nothing():
        (verdict,) = compare("old/", "new/", [model_case("pkg.mod:Net(3)", ["randn(2, 3, 32, 32)"])])
        assert verdict.outcome.passed, verdict.reason

The parent (this package) never imports torch: it materialises two trees (`trees`), starts worker processes with the
project's own interpreter (`process`), asks each for the same observation of the same case (`run`), and compares what
comes back (`verdicts`, `contracts`, `localize`, `attribution`). What runs in the worker is in `modfix.verify.worker`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from modfix.model.verdict import Verdict
from modfix.verify.plan import CaseSpec, PlanError, listed_cases, model_case
from modfix.verify.process import WorkerError
from modfix.verify.trees import TreeError

__all__ = ["CaseSpec", "PlanError", "TreeError", "WorkerError", "compare", "listed_cases", "model_case"]


def compare(  # noqa: PLR0913 - keywords, all with defaults
    before: Path | str,
    after: Path | str,
    cases: Sequence[CaseSpec],
    *,
    device: str = "auto",
    allow: Collection[str] = (),
    python: Path | None = None,
    time_limit_s: float = 60,
) -> list[Verdict]:
    """The verdicts about cases in two folders, which are copied and not written.

    Args:
        before: folder of the project in one version.
        after: the same in the other.
        cases: from `model_case` or `listed_cases`; one of the latter becomes as many verdicts as it lists cases.
        device: where numbers are computed: "cpu", "cuda", or "auto" for CUDA where there is one.
        allow: kinds of differences that count as none, see `modfix.verify.verdicts.ALLOWANCES`.
        python: the interpreter, with torch; ours by default.
        time_limit_s: for each run of a case.

    Raises:
        ValueError: ``allow`` holds something that is no such kind.
        TreeError: a folder cannot be read.
        WorkerError: the interpreter cannot be used.
    """
    from modfix.verify.attribution import Change
    from modfix.verify.session import Session, Settings
    from modfix.verify.verdicts import ALLOWANCES

    if unknown := set(allow) - ALLOWANCES.keys():
        raise ValueError(f"`{min(unknown)}` is no kind of difference; there are {', '.join(ALLOWANCES)}")
    settings = Settings(tuple(cases), python, device, frozenset(allow), time_limit_s=time_limit_s)
    with Session(settings) as session:
        trees = session.folder(Path(before)), session.folder(Path(after))
        results, _ = session.compare(*trees, Change({}, {}))
    return [result.verdict for result in results]

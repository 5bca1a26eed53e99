from __future__ import annotations

from modfix.engine.select import Chooser, Found, confine, in_order, silence, unused
from modfix.model.edit import ReplaceExpression
from modfix.model.finding import Applicability, Finding, Fix, Refusal
from modfix.model.span import Location, Span
from modfix.source.suppress import suppressions


def finding(line: int = 1, codemod: str = "identity", path: str = "a.py", edited: str = "a.py") -> Finding:
    fix = Fix("fix", (ReplaceExpression(edited, Span(0, 1), "x"),), Applicability.UNSAFE)
    return Finding(codemod, Location(path, line, 1), Span(line, line + 1), "A.x", "message", fix)


def test_order_is_by_path_position_and_codemod_without_repetition() -> None:
    sorted_findings = (finding(1, "a"), finding(1, "b"), finding(2, "a"), finding(1, "a", "b.py"))
    assert in_order([*reversed(sorted_findings), *sorted_findings]) == sorted_findings


def test_confine_keeps_what_stays_in_scope() -> None:
    inside = finding()
    assert confine(inside, {"a.py"}) is inside
    refused = Finding("c", Location("a.py", 1, 1), Span(0, 1), "A", "m", refusal=Refusal("kind", "reason"))
    assert confine(refused, {"a.py"}) is refused


def test_confine_refuses_what_leaves_the_scope() -> None:
    confined = confine(finding(edited="b.py"), {"a.py"})
    assert confined.fix is None
    assert confined.refusal is not None
    assert "`b.py`" in confined.refusal.reason


def test_a_comment_that_silences_something_is_used() -> None:
    comments = {"a.py": suppressions("a.py", "x = 1  # modfix: ignore[identity]\ny = 1  # modfix: ignore[hooks]\n")}
    silenced = silence([Found(finding(1), ()), Found(finding(2), ())], comments)
    assert [f.location.line for f in silenced.findings] == [2]
    assert silenced.suppressed == 1
    idle = unused(comments.values(), silenced.used, ran={"identity", "hooks"}, known={"identity", "hooks"})
    assert [(u.location.line, u.names) for u in idle] == [(2, ("hooks",))]
    assert unused(comments.values(), silenced.used, ran={"identity"}, known={"identity", "hooks"}) == ()


def test_chooser_asks_only_about_fixes_that_are_safe_enough() -> None:
    assert Chooser(Applicability.SAFE, accept=lambda _: 1 / 0 > 0).choose([finding()]) == []
    assert Chooser(Applicability.UNSAFE).choose([finding()]) == [finding()]

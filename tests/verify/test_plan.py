from __future__ import annotations

import pytest

from modfix.verify.plan import CaseSpec, PlanError, listed_cases, model_case, named_apart, parse_keywords


def test_a_model_with_inputs() -> None:
    case = model_case(
        "pkg.mod:Net(3, width=64)", ["randn(2,3,8,8)", "[ones(2), {'m': zeros(1)}]"], {"mask": "ones(2).bool()"}
    )
    assert case == CaseSpec(
        "pkg.mod:Net(3, width=64)",
        "pkg.mod:Net(3, width=64)",
        ("randn(2,3,8,8)", "[ones(2), {'m': zeros(1)}]"),
        (("mask", "ones(2).bool()"),),
    )
    assert case.to_json() == {
        "name": "pkg.mod:Net(3, width=64)",
        "model": "pkg.mod:Net(3, width=64)",
        "args": ["randn(2,3,8,8)", "[ones(2), {'m': zeros(1)}]"],
        "kwargs": {"mask": "ones(2).bool()"},
        "inputs": "",
        "listed": "",
    }


def test_inputs_may_come_from_a_function() -> None:
    assert model_case("m:net", ["tests.data:inputs"]) == CaseSpec("m:net", "m:net", inputs="tests.data:inputs")


@pytest.mark.parametrize(
    ("model", "inputs", "kwargs", "complaint"),
    [
        ("Net", [], {}, "model `Net` does not say in which module it is; write `pkg.mod:factory`"),
        ("models/net.py:Net", [], {}, "did you mean `models.net:Net`?"),
        ("m:Net(", [], {}, "model `m:Net(`: `Net(` is no Python expression ('(' was never closed)"),
        ("m:", [], {}, "model `m:`: `` is no Python expression"),
        ("m:1 + 1", [], {}, "`1 + 1` is neither a name nor a call"),
        ("1m:net", [], {}, "`1m` is no name of a module"),
        ("m:net", ["randn(2"], {}, "input 1 of `m:net`: `randn(2` is no Python expression"),
        ("m:net", ["ones(1)", "t:f"], {}, "input `t:f` of `m:net` names a function, which gives all inputs"),
        ("m:net", ["t:f"], {"x": "1"}, "which gives all inputs"),
        ("m:net", [], {"a b": "1"}, "keyword `a b` of `m:net` is no name of an argument"),
        ("m:net", [], {"a": "ones(2))"}, "keyword `a` of `m:net`: `ones(2))` is no Python expression"),
        ("m:net", ["'\0'"], {}, "is no Python expression"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_explained(
    model: str, inputs: list[str], kwargs: dict[str, str], complaint: str
) -> None:
    with pytest.raises(PlanError) as caught:
        model_case(model, inputs, kwargs)
    assert complaint in str(caught.value)


def test_keywords_of_the_command_line() -> None:
    assert parse_keywords(["mask=ones(2) == 1", " n = 3 "]) == {"mask": "ones(2) == 1", "n": "3"}


@pytest.mark.parametrize("options", [["mask"], ["=1"], ["a b=1"], ["a=1", "a=2"]])
def test_wrong_keywords_of_the_command_line(options: list[str]) -> None:
    with pytest.raises(PlanError, match="--kwarg"):
        parse_keywords(options)


def test_listed_cases_name_a_function() -> None:
    assert listed_cases("zoo.cases:all_cases").listed == "zoo.cases:all_cases"
    with pytest.raises(PlanError, match="list of cases"):
        listed_cases("zoo.cases")


def test_names_are_unique() -> None:
    cases = named_apart([model_case("m:a"), model_case("m:a", ["ones(1)"]), listed_cases("m:cases"), model_case("m:a")])
    assert [case.name for case in cases] == ["m:a", "m:a #2", "", "m:a #3"]

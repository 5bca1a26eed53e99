"""Everything about initialisation that one file says."""

from __future__ import annotations

from modfix.semantics.bias_access import bias_accesses, bias_tests
from modfix.semantics.init_facts import Initialisation
from modfix.semantics.init_names import init_names
from modfix.semantics.init_plans import init_plans
from modfix.semantics.places import FileTree
from modfix.semantics.reset_sweeps import reset_sweeps


def initialisation(file: FileTree) -> Initialisation:
    """The facts about initialisation of one file; most files have none, and show that by their text."""
    return Initialisation(init_names(file), bias_accesses(file), bias_tests(file), init_plans(file), reset_sweeps(file))

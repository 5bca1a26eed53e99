"""Everything about initialisation that one file says."""

from __future__ import annotations

import ast

from modfix.semantics.init_facts import Initialisation
from modfix.semantics.init_names import init_names
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names


def initialisation(text: str, tree: ast.Module, names: Names, positions: Positions) -> Initialisation:
    """The facts about initialisation of one file; most files have none, and show that by their text."""
    return Initialisation(init_names(text, tree, names, positions))

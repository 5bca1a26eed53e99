"""The part of the verifier that runs under the project's own interpreter, next to the project's code.

It imports nothing but the standard library and torch, needs Python 3.8 and torch 1.13 (value numbering: torch 2.0), and
nothing of modfix imports it: the parent starts it by path, as a package named `_modfix_worker`, so that no name of the
project can clash. Its modules import each other relatively, for that reason.

What crosses the border is JSON. Every *observation* is an object with these entries, all optional but ``items``:

``items``
    what was looked at -> its hash (proof) or digest (numbers) or text, in program order. A key is ``phase/kind`` or
    ``phase/kind:label``. Phases: ``build``, ``eval``, ``train``, ``again`` (a second call in train mode: carried
    state); in a proof ``later`` (eval mode after training) and ``fresh`` (another model, first called in train mode);
    with numbers ``step`` (optimizer steps). Kinds: ``output:PATH`` (a leaf of the output), ``structure``
    (types and keys of the output), ``grad:FQN`` (of a parameter), ``input-grad:PATH``, ``state:FQN`` (parameter or
    buffer after the phase; in ``build`` the initial value), ``input:PATH`` (argument after the phase), ``rng`` (state
    of the random number generators after the phase), ``error`` (type and message of an exception that the phase
    raised). Numbers put ``DTYPE*SCALE/`` in front of the phase, e.g. ``float32*30/train/output:0``.
``records``
    operators in program order: ``[hash, operator, module FQN, path, line, phase, autograd node]``; ``path`` is relative
    to the tree, or empty. Only value numbering has them.
``contracts``
    what users of a model rely on beyond numbers; described in `contracts`.
``lines``
    path relative to the tree -> sorted numbers of the lines that ran, of the files that the request asked to watch.
``vacuous``
    why the observation proves nothing (no tensor in the output, all NaN, constant); absent where it does.

Instead of an observation a *failure* may come: ``{"failed": {"kind", "message", "where"}}`` with kind one of
``import``, ``constructor``, ``inputs``, ``forward``, ``backward``, ``unsupported`` (this rung cannot, a lower one may),
``timeout``, ``memory``, ``crash``, ``exit``, ``stdin``, ``network``, ``recorder`` (a bug of ours). ``where`` is
``path:line`` of the last frame inside the tree, or empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A model and its inputs. Both callables can be called repeatedly; the observer seeds the generators before."""

    name: str
    build: Callable[[], Any]  # a fresh torch.nn.Module
    inputs: Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]  # fresh positional and keyword arguments


class UnsupportedError(Exception):
    """This rung cannot observe the case; a lower one may. The message says what is in the way."""

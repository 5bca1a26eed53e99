"""The harness for codemod authors: fixture folders, inline checks, and a pytest plugin.

Use `check_noop` and `check_rewrite` for small syntax edges, and fixture folders (`modfix.testing.fixtures`) for
everything that is worth running. ``import modfix.testing`` costs nothing: the engine is imported on the first check.
"""

from modfix.testing.harness import check_noop, check_rewrite

__all__ = ["check_noop", "check_rewrite"]

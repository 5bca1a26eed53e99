"""The one exception of the rewriter."""

from __future__ import annotations


class RewriteError(Exception):
    """An edit that cannot be carried out, or a guard that fired. Nothing has been changed.

    ``message`` is for the user (lower case, no full stop); ``group_index`` says which group of edits is to blame.
    """

    def __init__(self, message: str, group_index: int) -> None:
        super().__init__(message)
        self.message = message
        self.group_index = group_index

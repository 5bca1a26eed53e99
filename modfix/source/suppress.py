"""Suppression comments.

    # modfix: ignore                          every codemod, on the statement of the line, or on the one below
    # modfix: ignore[identity, hooks] reason  only these codemods
    # modfix: ignore-file                     the whole file; with names in brackets, only these codemods

A comment behind or inside a statement concerns that statement, with all of its lines (of a compound statement: its
header). A comment that stands alone concerns the statement directly below; further comments may stand between, a blank
line may not. On a ``class`` line or its decorators it concerns everything in the class.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from modfix.model.result import UnusedSuppression
from modfix.model.span import Location

_COMMENT = re.compile(r"#\s*modfix:\s*ignore(?P<file>-file)?\s*(?:\[(?P<names>[^\]]*[^\]\s,][^\]]*)\]|(?![\w\[-]))")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: where it stands, which codemods it names (none: all of them), and the lines that it concerns."""

    line: int
    column: int
    names: tuple[str, ...]
    first_line: int
    last_line: int
    whole_file: bool = False

    def covers(self, codemod: str, lines: Iterable[int]) -> bool:
        """Whether the comment silences ``codemod`` on one of ``lines``."""
        if self.names and codemod not in self.names:
            return False
        return self.whole_file or any(self.first_line <= line <= self.last_line for line in lines)


@dataclass(frozen=True, slots=True)
class Suppressions:
    """The suppression comments of one file, in source order."""

    path: str
    comments: tuple[Suppression, ...]

    def match(self, codemod: str, line: int, class_lines: Iterable[int] = ()) -> tuple[Suppression, ...]:
        """All comments that silence a finding of ``codemod`` at ``line``; empty when nothing does.

        ``class_lines`` are the lines of the ``class`` keywords of the classes that hold the finding.
        """
        lines = (line, *class_lines)
        return tuple(comment for comment in self.comments if comment.covers(codemod, lines))

    def unused(
        self, used: Collection[tuple[Suppression, str]], *, ran: Collection[str], known: Collection[str]
    ) -> tuple[UnusedSuppression, ...]:
        """What silences nothing, as far as a run of the codemods ``ran`` can tell.

        ``used`` holds a pair (comment, codemod) for every match. A name counts as unused when its codemod ran, or when
        no codemod is ``known`` under it; a comment without names only when all known codemods ran.
        """
        return tuple(self._unused(set(used), frozenset(ran), frozenset(known)))

    def _unused(
        self, used: set[tuple[Suppression, str]], ran: frozenset[str], known: frozenset[str]
    ) -> Iterator[UnusedSuppression]:
        for comment in self.comments:
            location = Location(self.path, comment.line, comment.column)
            if comment.names:
                idle = tuple(n for n in comment.names if (n in ran or n not in known) and (comment, n) not in used)
                if idle:
                    yield UnusedSuppression(location, idle)
            elif known <= ran and not any(comment == other for other, _ in used):
                yield UnusedSuppression(location, ())


def suppressions(path: str, text: str) -> Suppressions:
    """The suppression comments of a file. Empty for text that cannot be tokenized, which nobody will edit anyway."""
    if "modfix:" not in text:
        return Suppressions(path, ())
    try:
        comments = sorted(_comments(text), key=lambda comment: (comment.line, comment.column))
    except (tokenize.TokenError, SyntaxError):
        return Suppressions(path, ())
    return Suppressions(path, tuple(comments))


def _comments(text: str) -> Iterator[Suppression]:
    """Every suppression comment, with the lines of the statement that it belongs to."""
    waiting: list[Suppression] = []  # comments whose statement has not ended, or not begun
    first_line = 0  # of that statement and its decorators; 0: not begun
    in_decorator = at_line_start = False
    # Universal line ends, because `ast` counts lines so; `StringIO` then ends lines nowhere else (form feed, U+2028).
    for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            continue
        if token.type == tokenize.COMMENT:
            if comment := _parse(token):
                waiting.append(comment)
        elif token.type == tokenize.NL:
            if not first_line and not token.line.strip():
                yield from _settled(waiting, 0, -1)  # a blank line: nothing directly below
                waiting = []
        elif token.type == tokenize.NEWLINE:
            if in_decorator:
                at_line_start = True
                continue
            yield from _settled(waiting, first_line, token.start[0])
            waiting, first_line = [], 0
        elif token.type == tokenize.ENDMARKER:
            yield from _settled(waiting, 0, -1)
        elif not first_line or at_line_start:
            first_line = first_line or token.start[0]
            in_decorator = token.string == "@"
            at_line_start = False


def _settled(comments: Iterable[Suppression], first_line: int, last_line: int) -> Iterator[Suppression]:
    for comment in comments:
        yield Suppression(comment.line, comment.column, comment.names, first_line, last_line, comment.whole_file)


def _parse(token: tokenize.TokenInfo) -> Suppression | None:
    """The suppression in a comment token, which may follow other remarks; its lines are not known yet."""
    match = _COMMENT.search(token.string)
    if match is None:
        return None
    names = (name.strip() for name in (match["names"] or "").split(","))
    line, column = token.start
    unique = tuple(dict.fromkeys(name for name in names if name))
    return Suppression(line, column + match.start() + 1, unique, 0, -1, match["file"] is not None)

"""`modfix patch`: look at a patch that `modfix apply` wrote, and keep or drop some of its fixes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from modfix.model.patch import Patch
    from modfix.patch.select import Criteria

app = typer.Typer(
    name="patch",
    help="Keep or drop single fixes of a patch. Every result is a complete patch that `git apply` accepts.",
    no_args_is_help=True,
)

File = Annotated[str, typer.Argument(metavar="FILE", help="A patch that modfix wrote; `-` is standard input.")]
Codemods = Annotated[
    list[str] | None,
    typer.Option("--codemod", metavar="NAME", help="Fixes of this codemod; comma-separated or repeated."),
]
Paths = Annotated[
    list[str] | None,
    typer.Option("--path", metavar="GLOB", help="Fixes that change such a file, or one in such a folder."),
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", metavar="GLOB", help="Fixes in such a class; `Net.skip` is one attribute."),
]
Ids = Annotated[list[str] | None, typer.Option("--fix", metavar="ID", help="The fix with this id, or its beginning.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="PATH", help="Write here instead of standard output.")
]


@app.command()
def show(
    file: File,
    diff: Annotated[bool, typer.Option("--diff", help="Print the plain diff too, without the index of fixes.")] = False,
) -> None:
    """List the fixes of a patch."""
    from modfix.patch.write import diff_bytes

    patch = _read(file)
    sys.stdout.buffer.write(_table(patch).encode("utf-8", "backslashreplace"))
    if diff:
        sys.stdout.buffer.write(b"\n" + diff_bytes(patch.files))
    sys.stdout.buffer.flush()


@app.command()
def select(  # noqa: PLR0913, PLR0917  # one parameter per option
    file: File,
    codemod: Codemods = None,
    path: Paths = None,
    class_: Classes = None,
    fix: Ids = None,
    output: Output = None,
) -> None:
    """Keep only the fixes that meet all given criteria."""
    _filter(file, _criteria(codemod, path, class_, fix), output, keep_matching=True)


@app.command()
def drop(  # noqa: PLR0913, PLR0917  # one parameter per option
    file: File,
    codemod: Codemods = None,
    path: Paths = None,
    class_: Classes = None,
    fix: Ids = None,
    output: Output = None,
) -> None:
    """Drop the fixes that meet all given criteria."""
    _filter(file, _criteria(codemod, path, class_, fix), output, keep_matching=False)


def _criteria(
    codemods: list[str] | None, paths: list[str] | None, classes: list[str] | None, ids: list[str] | None
) -> Criteria:
    from modfix.patch.select import Criteria

    names = [name.strip() for value in codemods or () for name in value.split(",")]
    criteria = Criteria(tuple(names), tuple(paths or ()), tuple(classes or ()), tuple(ids or ()))
    if not criteria:
        _fail("say which fixes: --codemod, --path, --class or --fix")
    return criteria


def _filter(file: str, criteria: Criteria, output: Path | None, *, keep_matching: bool) -> None:
    from modfix.patch.select import SelectionError, keep, matching
    from modfix.patch.write import patch_bytes

    patch = _read(file)
    every = frozenset(fix.id for fix in patch.fixes)
    try:
        matched = matching(patch, criteria)
        result = keep(patch, matched if keep_matching else every - matched)
    except SelectionError as error:
        _fail(str(error))
    _write(patch_bytes(result), output)
    kept, dropped = len(result.fixes), len(every) - len(result.fixes)
    hint = "" if kept else "; the patch is empty, `git apply` will refuse it"
    typer.echo(f"{kept} {'fix' if kept == 1 else 'fixes'} kept, {dropped} dropped{hint}", err=True)


def _read(file: str) -> Patch:
    from modfix.patch.hunks import PatchError, read

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return read(data).patch
    except (OSError, PatchError) as error:
        _fail(f"{file}: {error.strerror if isinstance(error, OSError) else error}")


def _write(data: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        _fail(f"{output}: {error.strerror}")


def _table(patch: Patch) -> str:
    from modfix.patch.names import quote

    rows = [("fix", "codemod", "applicability", "path", "class", "hunks", "title")]
    for fix in patch.fixes:
        hunks = sum(any(fix.id in line.fixes for line in hunk.lines) for file in patch.files for hunk in file.hunks)
        path = fix.path if fix.path.isprintable() else quote(fix.path)
        rows.append((fix.id, fix.codemod, fix.applicability.name.lower(), path, fix.subject, str(hunks), fix.title))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.extend(f"inseparable: {', '.join(fix.id for fix in patch.fixes if fix.id in tie)}" for tie in patch.ties)
    return "\n".join(lines) + "\n"


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)

from __future__ import annotations

from pathlib import Path

import pytest

from modfix.testing.fixtures import Expectations, FixtureError, load


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def test_files_and_folders(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "toy/one_file/before.py": "x = 1\r\n",
            "toy/one_file/after.py": "x = 2\r\n",
            "toy/left_alone/before.py": "x = 1\n",
            "toy/left_alone/case.toml": 'refusal = "late-*"\n[options]\nguards = "isinstance"\n',
            "toy/folder/before/main.py": "",
            "toy/folder/before/pkg/net.py": "a",
            "toy/folder/after/main.py": "",
            "toy/folder/after/pkg/net.py": "b",
            "zoo/models/net.py": "",
        },
    )
    folder, left_alone, one_file = load(tmp_path)

    assert (folder.codemod, folder.name) == ("toy", "folder")
    assert folder.before == {"main.py": "", "pkg/net.py": "a"}
    assert folder.main_after == tmp_path / "toy/folder/after/main.py"
    assert left_alone.after is None
    assert left_alone.main_after is None
    assert left_alone.expect == Expectations("late-*", options={"guards": "isinstance"})
    assert one_file.before == {"model.py": "x = 1\r\n"}
    assert one_file.main_before == tmp_path / "toy/one_file/before.py"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"a/b/before.py": "", "a/b/case.toml": "refusals = 1"}, "unknown key `refusals`"),
        ({"a/b/before.py": "", "a/b/case.toml": "="}, "case.toml"),
        ({"a/b/before.py": "", "a/b/case.toml": "unsafe_fixes = true"}, "needs an `after`"),
        ({"a/b/before/main.py": "", "a/b/after/other.py": ""}, "different files"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    with pytest.raises(FixtureError, match=complaint):
        load(put(tmp_path, files))

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks import corpus

FOLDERS = {"timm": "timm/models", "monai": "monai/networks", "transformers": "transformers/models/a"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MIX_LINES", 45)
    monkeypatch.setattr(corpus, "SCALES", {"small": 50, "large": 150})


def unpacked(folder: Path) -> Path:
    """A corpus with its wheels unpacked, so that nothing is downloaded: in each ten modelling files of ten lines."""
    for wheel in corpus.WHEELS:
        root = folder / "unpacked" / f"{wheel.name}-{wheel.version}"
        package = root / FOLDERS[wheel.name]
        package.mkdir(parents=True)
        for number in range(10):
            (package / f"modeling_{number}.py").write_text("pass\n" * 10)
        (package / "__init__.py").write_text("pass\n")
        (root / wheel.name / "trainer.py").write_text("pass\n" * 10)
    return folder


def names(file_set: corpus.FileSet) -> list[str]:
    return sorted(path.relative_to(file_set.root).as_posix() for path in file_set.root.rglob("*.py"))


@pytest.mark.usefixtures("small")
def test_mix_takes_modelling_files_of_all_wheels_in_equal_numbers(tmp_path: Path) -> None:
    mix = corpus.build(unpacked(tmp_path))["mix80k"]

    assert (mix.files, mix.lines) == (5, 50)
    assert {name.split("/")[0] for name in names(mix)} == set(FOLDERS)
    assert all("modeling_" in name for name in names(mix))


@pytest.mark.usefixtures("small")
def test_samples_are_nested_and_the_same_everywhere(tmp_path: Path) -> None:
    here, there = (corpus.build(unpacked(tmp_path / place)) for place in ("here", "there"))

    assert set(names(here["small"])) < set(names(here["large"]))
    assert here["small"].lines >= 50
    assert {name: names(file_set) for name, file_set in here.items()} == {
        name: names(file_set) for name, file_set in there.items()
    }


@pytest.mark.usefixtures("small")
def test_a_set_is_a_clean_repository_of_its_own(tmp_path: Path) -> None:
    timm = corpus.build(unpacked(tmp_path))["timm"]

    def git(*arguments: str) -> list[str]:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=timm.root, check=True, capture_output=True, text=True).stdout.splitlines()

    assert sorted(git("ls-files")) == names(timm)
    assert git("status", "--porcelain") == []


@pytest.mark.usefixtures("small")
def test_building_again_keeps_what_is_there(tmp_path: Path) -> None:
    first = corpus.build(unpacked(tmp_path))
    marker = first["timm"].root / "marker.txt"
    marker.touch()

    assert corpus.build(tmp_path) == first
    assert marker.exists()

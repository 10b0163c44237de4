"""The demo's folder and ports: whatever is wrong is told in one sentence before anything has started."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ehr_sync.core.errors import Misconfigured
from ehr_sync.demo.cast import SPECIAL, cast
from ehr_sync.demo.stage import own_folder, require_ports
from tests.ports import first_of_free_ports


@pytest.mark.parametrize("above", [0, 11, 12, 13])
def test_a_taken_port_is_told_with_the_option(above: int) -> None:
    first = first_of_free_ports()
    with (
        socket.create_server(("127.0.0.1", first + above)),
        pytest.raises(Misconfigured, match=rf"^Port {first + above} is taken: choose others with --port .*\.$"),
    ):
        require_ports(first)


def test_a_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("export EHR_SYNC_URL=x")
    (tmp_path / "world").mkdir()
    with own_folder(tmp_path) as folder:
        assert {path.name for path in folder.iterdir()} == {"lock"}


def test_the_data_that_a_link_stands_for_are_removed_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    demo = tmp_path / "demo"
    demo.mkdir()
    (demo / "postgres").symlink_to(tmp_path / "elsewhere")
    with own_folder(demo):
        assert not (tmp_path / "elsewhere").exists()


def test_a_folder_with_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(Misconfigured, match="holds something else than a demo"), own_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.odt").read_text() == "years of work"


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with own_folder(tmp_path), pytest.raises(Misconfigured, match="A demo already runs in"), own_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_to_is_told() -> None:
    sentence = r"^Cannot write to /proc/demo: choose a folder of your own with --folder\.$"
    with pytest.raises(Misconfigured, match=sentence), own_folder(Path("/proc/demo")):
        pass


def test_a_taken_port_leaves_nothing_behind(tmp_path: Path) -> None:
    free_port = first_of_free_ports()
    with socket.create_server(("127.0.0.1", free_port)):
        command = [sys.executable, "-m", "ehr_sync.cli", "demo", "--port", str(free_port), "--folder", "demo"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "demo").exists()


def test_every_special_story_is_in_the_smallest_demo() -> None:
    assert len(cast(SPECIAL)) == SPECIAL
    assert "an ordinary visit" not in {story.told for story in cast(SPECIAL)}


def test_the_rest_are_ordinary_visits() -> None:
    ordinary = [story for story in cast(SPECIAL + 9) if story.told == "an ordinary visit"]
    assert {story.facility for story in ordinary} == {"01001", "01005", "01013"}
    assert len(ordinary) == 9

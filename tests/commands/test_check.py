"""ehr-sync check FILE…: what would become of exports, told on a machine that has nothing but them."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ehr_sync.cli import ehr_sync
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.births import birth_row, with_births
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope, json_batch, with_values
from ehr_sync.sandbox.dossiers.health_checks import checked, file, health_check, message
from mappings.sources.city.kinds import KINDS

GOOD = dossier(501, person_index=501, shape="outpatient", rows=6)
REFUSED = with_values(dossier(502, person_index=502, shape="outpatient", rows=4), "XML1", NGAY_VAO="202613010000")


def run(*words: object) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(ehr_sync, ["check", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three exports in their three forms, and a file that is none."""
    inner = tmp_path / "thang-10"
    inner.mkdir()
    (tmp_path / "a.xml").write_bytes(sent(GOOD))
    (inner / "b.json").write_bytes(json_batch([sent(GOOD), sent(REFUSED)], "01001"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("trong.xml", sent(GOOD, REFUSED))
    (inner / "c.ZIP").write_bytes(archive.getvalue())
    (tmp_path / "ghi-chu.txt").write_text("không phải hồ sơ")
    return tmp_path


def sent(*hoso: Hoso) -> bytes:
    """One envelope."""
    return envelope(hoso)


def test_a_folder_is_summed_up_and_the_exit_code_says_that_something_is_refused(folder: Path) -> None:
    result = run(folder, "--language", "en")
    assert result.exit_code == 1
    first, *rest = result.output.splitlines()
    assert first == "4 files, 3 dossiers would be taken, 2 refused."
    told = "\n".join(rest)
    assert "     2 date.impossible" in told
    assert f"first: {folder}/thang-10/b.json:files[2] HOSO[1] XML1[1].NGAY_VAO" in told
    assert "3 Encounter" in told
    assert "deliver: The health book was not asked whether it takes this." in told


def test_health_checks_are_checked_too_as_files_and_in_the_hubs_message(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(checked(1, "Adult"))
    (tmp_path / "b.json").write_bytes(message(checked(2, "ChildUnder")))
    (tmp_path / "c.xml").write_bytes(file(health_check(3, person(1)), announced=9))
    told = json.loads(run(tmp_path, "--json", "--fhir").stdout)
    good, in_message, short = [one for each in told["files"] for one in each["hoSo"]]
    assert (good["maLK"], good["status"], good["resources"]["Encounter"]) == ("KSK.01001.2026.0000001", "accepted", 1)
    [class_] = [f for f in good["trace"]["fields"] if f["field"] == "KSK12[1].PHAN_LOAI_SK"]
    told_in = {"Observation", "Encounter.extension[0]", "Composition.section[0].text.div"}
    assert {to["element"] for to in class_["to"]} == told_in
    assert (in_message["status"], in_message["resources"]["Composition"]) == ("accepted", 1)
    assert [issue["code"] for issue in short["issues"] if issue["severity"] == "refused"] == [
        "health_check.parts_missing"
    ]


def test_json_tells_each_dossier_and_with_fhir_what_comes_of_which_field(folder: Path) -> None:
    told = json.loads(run(folder / "a.xml", "--json", "--fhir").stdout)
    [one] = told["files"][0]["hoSo"]
    assert (one["maLK"], one["status"], one["resources"]["Encounter"]) == (GOOD.ma_lk, "accepted", 1)
    [encounter] = [e["resource"] for e in one["fhir"]["entry"] if e["resource"]["resourceType"] == "Encounter"]
    [field] = [f for f in one["trace"]["fields"] if f["field"] == "XML1[1].MA_LOAI_RV"]
    assert field["to"] == [
        {"resource": f"Encounter/{encounter['id']}", "element": "Encounter.hospitalization"},
    ]
    assert [stage["stage"] for stage in told["notKnown"]] == ["facility", "version", "keep", "verify", "deliver"]


def test_all_that_would_be_taken_is_0_and_nothing_to_check_is_2(folder: Path, tmp_path: Path) -> None:
    assert run(folder / "a.xml").exit_code == 0
    empty = tmp_path / "trong"
    empty.mkdir()
    assert (run(empty).exit_code, run(tmp_path / "nowhere").exit_code) == (2, 2)
    assert run(folder / "a.xml", "--fhir").exit_code == 2


def test_what_cannot_be_read_is_refused_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(sent(GOOD)[:-40])
    (tmp_path / "b.json").write_bytes(b'{"files": ["###"]}')
    (tmp_path / "c.zip").write_bytes(b"PK\x03\x04")
    told = json.loads(run(tmp_path, "--json").stdout)
    assert [[issue["code"] for issue in file["issues"]] for file in told["files"]] == [
        ["file.truncated"],
        ["file.base64_invalid"],
        ["archive.unreadable"],
    ]
    assert run(tmp_path).exit_code == 1


def test_it_needs_no_setting_and_loads_nothing_of_the_service(tmp_path: Path) -> None:
    """No database, no web, no key: it imports `mappings` and click."""
    (tmp_path / "a.xml").write_bytes(sent(GOOD))
    code = (
        "import sys\n"
        "from ehr_sync.commands.check import check\n"
        "try:\n    check([sys.argv[1]])\n"
        "except SystemExit as ended:\n    assert ended.code == 0, ended.code\n"
        "loaded = {name for name in sys.modules if name.startswith('ehr_sync')}\n"
        "assert loaded == {'ehr_sync', 'ehr_sync.commands', 'ehr_sync.commands.check'}, loaded\n"
        "assert not {'sqlalchemy', 'psycopg', 'flask', 'requests'} & sys.modules.keys()\n"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.xml")], env=bare, capture_output=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_child_is_told_beside_its_mothers_dossier_and_moves_no_number(tmp_path: Path) -> None:
    stay = dossier(503, person_index=503, shape="inpatient", rows=4)
    born = datetime(2026, 11, 2, 8, 30)  # noqa: DTZ001 - as it stands on a certificate
    mother = with_births(stay, birth_row(stay, born, "2", certificate="17"))
    (tmp_path / "a.xml").write_bytes(sent(mother, REFUSED))
    told = run(tmp_path, "--language", "en").output
    assert told.startswith("1 files, 1 dossiers would be taken, 1 refused.")
    assert f"first: {tmp_path}/a.xml HOSO[2] XML1[1].NGAY_VAO" in told
    assert "1 RelatedPerson" in told
    [file] = json.loads(run(tmp_path, "--json").output)["files"]
    assert [[other["resources"]["RelatedPerson"] for other in one.get("otherRecords", ())] for one in file["hoSo"]] == [
        [1],
        [],
    ]


def test_an_export_in_base64_as_a_whole_is_read_as_the_service_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(base64.encodebytes(sent(GOOD)))
    assert run(tmp_path, "--language", "en").output.startswith("1 files, 1 dossiers would be taken, 0 refused.")


def test_a_record_in_the_citys_json_is_tried_as_what_it_says_it_is(tmp_path: Path) -> None:
    sent = {**KINDS["allergy"].example, "substance": ""}
    (tmp_path / "di-ung.json").write_text(json.dumps(KINDS["allergy"].example))
    (tmp_path / "trong.json").write_text(json.dumps(sent))
    (tmp_path / "khac.json").write_text(json.dumps({**sent, "kind": "alergy"}))
    told = {
        Path(file["name"]).name: [(one["status"], [issue["code"] for issue in one["issues"]]) for one in file["hoSo"]]
        for file in json.loads(run(tmp_path, "--json").stdout)["files"]
    }
    assert told == {
        "di-ung.json": [("accepted", [])],
        "trong.json": [("refused", ["form.value_missing"])],
        "khac.json": [("refused", ["form.kind_unknown"])],
    }

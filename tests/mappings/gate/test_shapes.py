"""The models are asked once for each shape, and one bad value condemns no shape."""

from __future__ import annotations

import threading

import pytest

from mappings.gate import findings, shapes
from mappings.gate.definitions import definitions
from mappings.gate.shapes import GoodShapes, model_findings
from mappings.gate.walk import Sample, Walk
from tests.mappings.gate.examples import GOOD, as_json, changed


def shape_of(resource: dict[str, object]) -> Sample:
    walk = Walk(definitions())
    walk.resource(resource)
    return walk.samples[0]


def test_values_and_array_lengths_make_no_new_shape() -> None:
    twice = [GOOD["observation"]["performer"][0]] * 2
    other = changed(GOOD["observation"], {"/performer": twice, "/valueQuantity/value": 7, "/id": "b9"})
    assert shape_of(other).shape == shape_of(GOOD["observation"]).shape


def test_another_element_is_another_shape() -> None:
    other = changed(GOOD["observation"], {"/valueQuantity/unit": "(removed)"})
    assert shape_of(other).shape != shape_of(GOOD["observation"]).shape


def test_the_same_element_elsewhere_is_another_shape() -> None:
    start = changed(GOOD["observation"], {"/subject/display": "x"})
    end = changed(GOOD["observation"], {"/encounter/display": "x"})
    assert shape_of(start).shape != shape_of(end).shape


def test_a_known_shape_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    good = GoodShapes(limit=10)
    sample = shape_of(GOOD["observation"])
    assert model_findings(sample, good) == []
    monkeypatch.setattr(shapes, "_model", None)
    assert model_findings(sample, good) == []


def test_a_refused_shape_is_not_remembered() -> None:
    good = GoodShapes(limit=10)
    spoilt = Sample(changed(GOOD["observation"], {"/status": "(removed)"}), {1, 2, 3})
    assert [each.code for each in model_findings(spoilt, good)] == ["model.refused"]
    assert len(good) == 0


def test_a_bad_value_first_does_not_condemn_the_good_ones_after() -> None:
    spoilt = changed(GOOD["procedure"], {"/note": [{"text": "x"}], "/performedPeriod/start": "soon"})
    mended = changed(spoilt, {"/performedPeriod/start": "2026-07-01"})
    assert findings(as_json(spoilt))
    assert findings(as_json(mended)) == ()


def test_the_memory_of_shapes_is_bounded() -> None:
    good = GoodShapes(limit=3)
    for number in range(10):
        good.add(frozenset({number}))
    assert len(good) == 3
    assert frozenset({9}) in good


def test_the_entries_of_a_bundle_are_shapes_of_their_own() -> None:
    walk = Walk(definitions())
    walk.resource(GOOD["transaction"])
    assert len(walk.samples) == 7  # the Bundle, and six entries with a resource


def test_threads_share_the_gate() -> None:
    wrong: list[object] = []

    def look_at_all() -> None:
        for resource in GOOD.values():
            wrong.extend(findings(as_json(resource)))

    threads = [threading.Thread(target=look_at_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_strange_names_do_not_fill_the_memory() -> None:
    for number in range(400):
        findings(f'{{"resourceType":"Patient","strange{number}":1}}'.encode())
    assert len(definitions().types["Patient"].plans) < 300
    assert not any("strange1" in names for names in definitions().types["Patient"].plans)


def test_many_forms_without_a_fault_do_not_fill_the_memory() -> None:
    said = {
        **{"language": "vi", "active": True, "gender": "male", "birthDate": "1990", "deceasedBoolean": False},
        **{"multipleBirthBoolean": False, "name": [{"text": "x"}], "address": [{"text": "x"}], "id": "a"},
    }
    for chosen in range(2 ** len(said)):
        form = {name: value for n, (name, value) in enumerate(said.items()) if chosen & 1 << n}
        assert not findings(as_json({"resourceType": "Patient", **form}))
    assert len(definitions().types["Patient"].plans) < 300

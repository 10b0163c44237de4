"""Resources that differ from a good one in nothing but values: nearly all of a batch, for a third of the time.

A form is the JSON of a resource without its values, to the byte. What has the form of a good resource has the same
names in the same places: only what depends on a value is left to look at. Whatever is unusual has no form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from threading import Lock
from typing import Any, Final, NamedTuple

import orjson

from mappings.gate.definitions import definitions
from mappings.gate.plans import plan_of
from mappings.gate.primitives import is_decimal, is_text
from mappings.gate.table import Element, Type
from mappings.gate.walk import is_bound

Json = dict[str, Any]
Holds = Callable[[Any], object]
Path = tuple[str | int, ...]
# A text that does not start with a space, or a finite number. All depends on the type of a resource: it is no value.
_VALUE: Final = re.compile(
    rb':(?<!"resourceType":)(?:"([^" ][^"]*)|(-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?)(?=[,}]))'
)
_LARGEST: Final = 16 * 1024  # a form takes as much at most


@dataclass(frozen=True, slots=True)
class _Form:
    """What is left to look at, by the place among the parts of a resource, or among its texts."""

    texts: Callable[[list[bytes]], tuple[bytes, ...]]
    words: Callable[[list[str]], tuple[str, ...]]  # of the texts, those that have no space in them
    checks: tuple[tuple[int, Holds], ...]  # of the texts
    numbers: tuple[tuple[int, Holds], ...]
    nodes: tuple[tuple[Path, Holds], ...]  # rules that read the values of an object


class Forms:
    """The last forms found good, at most `limit`, and no value. Safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._forms: dict[bytes, _Form] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._forms)

    def allow(self, resource_json: bytes) -> bool:
        """Whether the resource has a known form with good values in it. False means only: look at it in full."""
        parts = _parts(resource_json)
        form = self._forms.get(_name(parts))
        return form is not None and _has_good_values(resource_json, parts, form)

    def add(self, resource_json: bytes, resource: Json) -> None:
        """Learn the form of a good resource, if it has one. The oldest goes first."""
        parts = _parts(resource_json)
        form = _form_of(parts, resource)
        if form is not None:
            with self._lock:
                self._forms[_name(parts)] = form
                while len(self._forms) > self._limit:
                    del self._forms[next(iter(self._forms))]


def _parts(resource_json: bytes) -> list[bytes]:
    """By threes: what is before a value, and the value as a text or as a number; none where a quote may be masked."""
    if b"\\" in resource_json or len(resource_json) > _LARGEST:
        return []
    return _VALUE.split(resource_json)


def _name(parts: list[bytes]) -> bytes:
    # No part has a backslash, and a text leaves its closing quote behind: the name tells values and their kinds.
    return b"\\".join(parts[::3])


def _has_good_values(resource_json: bytes, parts: list[bytes], form: _Form) -> bool:
    try:
        joined = b'"'.join(form.texts(parts)).decode()
    except UnicodeDecodeError:
        return False
    if not joined.isprintable():
        return False
    texts = joined.split('"')
    if " " in "".join(form.words(texts)):
        return False
    for at, holds in form.checks:
        if not holds(texts[at]):
            return False
    for at, holds in form.numbers:
        if not holds(orjson.loads(parts[at])):
            return False
    return not form.nodes or _has_good_nodes(orjson.loads(resource_json), form)


def _has_good_nodes(resource: Any, form: _Form) -> bool:
    for path, holds in form.nodes:
        node = resource
        for step in path:
            node = node[step]
        if not holds(node):
            return False
    return True


def _form_of(parts: list[bytes], resource: Json) -> _Form | None:
    """None where a value is not told apart in the text, or by too few words to be worth it."""
    read = _Reading()
    read.object(resource, definitions().types[resource["resourceType"]], ())
    places = [at for at, part in enumerate(parts) if at % 3 and part is not None]
    values = [parts[at].decode() if at % 3 == 1 else orjson.loads(parts[at]) for at in places]
    if values != [leaf.value for leaf in read.leaves]:
        return None
    asked = [(at, leaf.holds) for at, leaf in zip(places, read.leaves, strict=True)]
    texts = [(at, holds) for at, holds in asked if at % 3 == 1]
    checks = [(index, holds) for index, (_, holds) in enumerate(texts) if holds is not is_text]
    words = [index for index, holds in checks if holds in definitions().words]
    if len(words) < 2:
        return None
    return _Form(
        itemgetter(*[at for at, _ in texts]),
        itemgetter(*words),
        tuple((index, holds) for index, holds in checks if index not in words),
        tuple((at, holds) for at, holds in asked if at % 3 == 2 and holds is not is_decimal),
        tuple(read.nodes),
    )


class _Leaf(NamedTuple):
    value: object
    holds: Holds


# For what is not told apart in the text: no value is equal to it.
_UNTOLD: Final = _Leaf(None, bool)


@dataclass(slots=True)
class _Reading:
    """What a good resource holds, in the order of its text: values, and rules that read them."""

    leaves: list[_Leaf] = field(default_factory=list, repr=False)
    nodes: list[tuple[Path, Holds]] = field(default_factory=list)

    def object(self, node: Json, of: Type, path: Path, is_literal: Holds | None = None) -> None:
        """An object of a type; `is_literal` is asked of the literal where it is a reference."""
        self.nodes += [(path, rule.holds) for rule in plan_of(node, of, definitions()).rules]
        for name, value in node.items():
            if is_literal is not None and name in ("reference", "type"):
                # A type beside has to agree with the literal.
                self.leaves.append(_Leaf(value, is_literal) if name == "reference" else _UNTOLD)
            elif name != "resourceType" and not isinstance(value, bool):
                self._element(value, of.elements.get(name), (*path, name))

    def _element(self, value: Any, element: Element | None, path: Path) -> None:
        if element is None or _is_untold(element):
            self.leaves.append(_UNTOLD)
        elif element.check is not None:
            self.leaves.append(_Leaf(value, element.check))
        else:
            each = [((*path, index), one) for index, one in enumerate(value)] if element.many else [(path, value)]
            for where, one in each:
                self._one(one, element, where)

    def _one(self, value: Json, element: Element, path: Path) -> None:
        if element.codings is not None:
            self.nodes.append((path, partial(is_bound, element=element)))
        if element.of is not None:
            self.object(value, element.of, path, element.is_literal)


def _is_untold(element: Element) -> bool:
    """Values without a name in an array, and resources in a resource."""
    return element.many if element.check is not None else element.of is None or element.of.is_resource

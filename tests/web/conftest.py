"""A visitor in front of the whole application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.world import World
from ehr_sync.web.design.build import build
from tests.api.web import calling
from tests.lender import Lender
from tests.usecases.service import Running
from tests.web.browsing import Visitor
from tests.web.desks import a_desk


class Compiled(BytecodeCache):
    """The templates, compiled once a test process and not once an application."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


def _builder_made_once(rule: Any, append_unknown: bool = True) -> Any:
    """Werkzeug's, of which no two applications make the same: that is most of the time that an application takes."""
    key = (rule.rule, str(rule._trace), str(rule.defaults), append_unknown)
    if key not in _BUILDERS:
        _BUILDERS[key] = _BUILDER_OF(rule, append_unknown)
    return _BUILDERS[key]


_BUILDERS: dict[tuple[str, str, str, bool], Any] = {}
_BUILDER_OF = Rule._compile_builder


@pytest.fixture(scope="session", autouse=True)
def built() -> Iterator[None]:
    """The files of the pages are built, and applications do not compile what another has compiled."""
    build()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", Compiled())
        patch.setattr(Rule, "_compile_builder", _builder_made_once)
        yield


@pytest.fixture
def desk(lender: Lender, world: World, tmp_path: Path) -> Iterator[Running]:
    """The service with signing in set up."""
    with a_desk(lender, world, tmp_path) as running:
        yield running


@pytest.fixture
def visitor(desk: Running) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(calling(web_application(desk.service)))

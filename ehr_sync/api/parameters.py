"""Parameters of an address."""

from __future__ import annotations

from flask import request

from ehr_sync.api.problems import Problem


def know(*names: str) -> None:
    """Raises Problem where the address has another parameter than these, or one of them twice: what is not known must
    not be taken for one.
    """
    if request.args.keys() - set(names) or any(len(request.args.getlist(name)) > 1 for name in names):
        raise Problem("request.parameter", parameters=list(names))

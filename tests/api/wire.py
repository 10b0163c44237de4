"""gunicorn's target in test_wire."""

import sys

from tests.api.web import app as make_app

app = make_app(log_to=sys.stderr)

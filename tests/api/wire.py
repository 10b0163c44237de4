"""gunicorn's target in test_wire."""

import os
import sys

from tests.api.web import app as make_app

app = make_app(log_to=sys.stderr, public_url=os.environ["EHR_SYNC_PUBLIC_URL"])

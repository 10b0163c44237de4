"""gunicorn's target."""

import gc
import math

from ehr_sync.bootstrap import open_service_when_up
from ehr_sync.bootstrap_web import web_application
from ehr_sync.runtime.logs import quiet_libraries
from ehr_sync.settings import from_environment
from mappings import gate
from mappings.fhir import gone

quiet_libraries()
gate.load(gone.TYPES)
# A worker that gave up would end all of gunicorn, and with it those that still answer.
app = web_application(open_service_when_up(from_environment(), seconds=math.inf))
# What was loaded stays: the collector need not look through it at every dossier.
gc.freeze()

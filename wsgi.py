"""gunicorn's target."""

from ehr_sync.bootstrap import open_service_when_up
from ehr_sync.bootstrap_web import web_application
from ehr_sync.logs import quiet_libraries
from ehr_sync.settings import from_environment

quiet_libraries()
app = web_application(open_service_when_up(from_environment()))

"""Who the service is at the sandbox's registry and book. Everybody knows it: no setting has it as a default."""

from typing import Final

USER: Final = "ehr-sync"
SECRET: Final = "sandbox"  # noqa: S105 - guards invented people

"""A key pair for a sending system: private.jwk stays with it, public.jwks goes to the operator of the service."""

import json
import os
from pathlib import Path

from joserfc.jwk import ECKey

key = ECKey.generate_key("P-384", auto_kid=True)
with os.fdopen(os.open("private.jwk", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as private:
    json.dump(key.as_dict(private=True), private)
Path("public.jwks").write_text(json.dumps({"keys": [key.as_dict(private=False, use="sig", alg="ES384")]}))

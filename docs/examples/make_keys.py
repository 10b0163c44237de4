"""A key pair for a sending system: python make_keys.py FOLDER

private.jwk stays with the system, public.jwks goes to the operator of the service.
"""

import json
import os
import sys
from pathlib import Path

from joserfc.jwk import ECKey

folder = Path(sys.argv[1])
key = ECKey.generate_key("P-384", auto_kid=True)
with os.fdopen(os.open(folder / "private.jwk", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as private:
    json.dump(key.as_dict(private=True), private)
public = {"keys": [key.as_dict(private=False, use="sig", alg="ES384")]}
(folder / "public.jwks").write_text(json.dumps(public))

"""Code for a facility's first day, with the service's real address and without any secret."""

from __future__ import annotations

from typing import Final

_MAKE_KEY: Final = """\
# pip install joserfc
import json
from joserfc.jwk import ECKey

key = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
with open("khoa-bi-mat.json", "x") as file:  # x: không ghi đè khóa đang có
    json.dump(key.as_dict(private=True), file)
print(json.dumps({"keys": [key.as_dict(private=False)]}))
"""

_SIGN: Final = """\
# ky.py
import json, secrets, time
from joserfc import jwt
from joserfc.jwk import ECKey

with open("khoa-bi-mat.json") as file:
    key = ECKey.import_key(json.load(file))
now = int(time.time())
claims = {
    "iss": "@CLIENT@",
    "sub": "@CLIENT@",
    "aud": "@URL@/oauth2/token",
    "jti": secrets.token_urlsafe(16),
    "iat": now,
    "exp": now + 240,
}
print(jwt.encode({"alg": "ES384", "kid": key.kid}, claims, key, algorithms=["ES384"]))
"""

_SIGN_IN: Final = """\
TOKEN=$(curl -s @URL@/oauth2/token \\
  -d grant_type=client_credentials \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  -d client_assertion="$(python ky.py)" \\
  | python -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
"""

_CHECK: Final = """\
curl "@URL@/api/v1/submissions?dry_run=true" \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/xml" \\
  --data-binary @hoso.xml
"""

_SEND: Final = """\
curl @URL@/api/v1/submissions \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/xml" \\
  --data-binary @hoso.xml
"""

_PYTHON: Final = """\
# pip install requests
import subprocess, sys
import requests

assertion = subprocess.run([sys.executable, "ky.py"], capture_output=True, text=True, check=True).stdout.strip()
answer = requests.post("@URL@/oauth2/token", timeout=30, data={
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": assertion,
})
answer.raise_for_status()
headers = {"Authorization": "Bearer " + answer.json()["access_token"], "Content-Type": "application/xml"}
with open("hoso.xml", "rb") as file:
    answer = requests.post("@URL@/api/v1/submissions", headers=headers, data=file, timeout=300)
print(answer.status_code, answer.json())
"""


def code(public_url: str, client_id: str) -> dict[str, str]:
    """What to run at each step."""
    parts = {
        "make_key": _MAKE_KEY,
        "sign": _SIGN,
        "token": _SIGN_IN,
        "check": _CHECK,
        "send": _SEND,
        "python": _PYTHON,
    }
    return {name: text.replace("@URL@", public_url).replace("@CLIENT@", client_id) for name, text in parts.items()}

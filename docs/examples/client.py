"""A hospital's system: python client.py https://service CLIENT_ID private.jwk dossier.xml"""

import json
import sys
import time
import uuid
from pathlib import Path

import requests
from joserfc import jwt
from joserfc.jwk import ECKey
from requests.adapters import HTTPAdapter
from urllib3 import Retry

URL, CLIENT_ID, KEY, DOSSIER = sys.argv[1:]
# The same bytes again have no second effect: what was not answered, or with 503, is safe to send again as it is.
AGAIN = Retry(5, backoff_factor=1, status_forcelist=[503], allowed_methods=None)
WAITING = {"verification", "registry", "book"}

with requests.Session() as http:
    http.mount(URL, HTTPAdapter(max_retries=AGAIN))
    key = ECKey.import_key(json.loads(Path(KEY).read_text()))
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": f"{URL}/oauth2/token"}
    claims |= {"jti": uuid.uuid4().hex, "exp": int(time.time()) + 240}  # each assertion is used once
    form = {"grant_type": "client_credentials"}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form["client_assertion"] = jwt.encode({"alg": "ES384", "kid": key.kid}, claims, key, algorithms=["ES384"])
    granted = http.post(f"{URL}/oauth2/token", form, timeout=30)
    granted.raise_for_status()
    http.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"  # good for five minutes
    headers = {"Content-Type": "application/xml", "Accept-Language": "en"}
    sent = http.post(f"{URL}/api/v1/submissions", Path(DOSSIER).read_bytes(), headers=headers, timeout=300)
    sent.raise_for_status()
    for hoso in [hoso for file in sent.json()["fileResults"] for hoso in file["hoSo"]]:
        line = {"state": hoso["status"], "next": "book" if hoso["maGiaoDich"] else ""}
        while line["next"] in WAITING:
            line = http.get(f"{URL}/api/v1/transactions/{hoso['maGiaoDich']}", timeout=30).json()
            time.sleep(0.5)
        print(hoso["maLK"], line["state"], line["next"], *(issue["code"] for issue in hoso["issues"]))

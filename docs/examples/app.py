"""An app on somebody's desk: python app.py https://service/fhir CLIENT_ID

It prints an address to open in a browser. Whoever says yes there sees here how many resources of each type their book
has.
"""

import hashlib
import secrets
import sys
from base64 import urlsafe_b64encode
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

BASE, CLIENT_ID = sys.argv[1:]
came: dict[str, list[str]] = {}


class Back(BaseHTTPRequestHandler):
    """Takes what the browser brings back."""

    def do_GET(self) -> None:
        """The redirect, or anything else that a browser asks for."""
        if urlsplit(self.path).path == "/callback":
            came.update(parse_qs(urlsplit(self.path).query))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write("Xem tiếp trong ứng dụng. / Go on in the app.".encode())

    def log_message(self, *told: object) -> None:
        """Nothing: an address with a code in it belongs in no log."""


known = requests.get(f"{BASE}/.well-known/smart-configuration", timeout=30).json()
listening = HTTPServer(("127.0.0.1", 0), Back)
redirect = f"http://127.0.0.1:{listening.server_address[1]}/callback"
verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": redirect, "state": state, "aud": BASE}
asked |= {"scope": "launch/patient patient/*.rs", "code_challenge_method": "S256"}
asked["code_challenge"] = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
print(f"{known['authorization_endpoint']}?{urlencode(asked)}", flush=True)
while not came:
    listening.handle_request()
if (came.get("state"), came.get("iss")) != ([state], [known["issuer"]]):  # another's answer, or from another server
    sys.exit("not an answer to what was asked")
if "code" not in came:
    sys.exit(came["error"][0])
form = {"grant_type": "authorization_code", "code": came["code"][0], "redirect_uri": redirect}
form |= {"client_id": CLIENT_ID, "code_verifier": verifier}
given = requests.post(known["token_endpoint"], form, timeout=30).json()
headers = {"Authorization": f"Bearer {given['access_token']}"}
book = requests.get(f"{BASE}/Patient/{given['patient']}/$everything", headers=headers, timeout=60).json()
for kind, count in sorted(Counter(entry["resource"]["resourceType"] for entry in book["entry"]).items()):
    print(kind, count)

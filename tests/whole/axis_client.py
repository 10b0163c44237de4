"""A hospital's client of the Hanoi axis, written from what is known of the axis alone, and of nothing here.

POST /api/auth/token/take            {username, password, code} → {maKetQua, apiKey: {accessToken, …}, message}
POST /api/kcb/xml/qd3176/guiHoSoXml  {loaiHoSo, maTinh, maCSKCB, files} → {maKetQua, fileResults: [{maGiaoDich, …}], …}
GET  /api/kcb/tra-cuu-trang-thai/{maGiaoDich}
"""

from __future__ import annotations

import base64
import time
from typing import Any

import requests


class AxisError(Exception):
    """The axis said no; the message is its own."""


class AxisClient:
    """Signs in when it must, sends, and asks what became of it. Only the host's name is set up."""

    def __init__(self, host: str, *, username: str, password: str, facility: str) -> None:
        self._host, self._facility = host, facility
        self._login = {"username": username, "password": password, "code": facility}
        self._token, self._ends = "", 0.0

    def send(self, *envelopes: bytes) -> list[str]:
        """One maGiaoDich for each file. Raises AxisError where one was not taken."""
        files = [base64.b64encode(each).decode() for each in envelopes]
        body = {"loaiHoSo": "3176", "maTinh": "HN", "maCSKCB": self._facility, "files": files}
        told = self._asked("POST", "/api/kcb/xml/qd3176/guiHoSoXml", json=body)
        if told["maKetQua"] != "200" or told["totalFailed"]:
            raise AxisError(told["thongDiep"])
        return [each["maGiaoDich"] for each in told["fileResults"]]

    def state(self, transaction: str) -> str:
        """What became of a file."""
        told = self._asked("GET", f"/api/kcb/tra-cuu-trang-thai/{transaction}")
        if told["maKetQua"] != "200":
            raise AxisError(told["thongDiep"])
        return str(told["trangThai"])

    def _asked(self, method: str, path: str, **given: Any) -> Any:
        if time.monotonic() > self._ends:
            self._sign_in()
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = requests.request(method, self._host + path, headers=headers, timeout=30, **given)
        if answer.status_code == 401:
            self._ends = 0.0
        answer.raise_for_status()
        return answer.json()

    def _sign_in(self) -> None:
        answer = requests.post(f"{self._host}/api/auth/token/take", json=self._login, timeout=30)
        answer.raise_for_status()
        told = answer.json()
        if told["maKetQua"] is not True:
            raise AxisError(told["message"])
        self._token = told["apiKey"]["accessToken"]
        # A margin, as clocks differ.
        self._ends = time.monotonic() + int(told["apiKey"]["expiresIn"]) - 300

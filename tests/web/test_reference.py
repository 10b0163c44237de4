"""The API for people to read: the same as the document, without a script, in either language."""

from __future__ import annotations

import html
import re

from tests.web.browsing import Visitor


def test_the_page_shows_every_route_in_the_visitors_language_and_runs_nothing(visitor: Visitor) -> None:
    document = visitor.client.get("/openapi.json").get_json()
    page = visitor.get("/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert "<script" not in page.text
    shown = re.findall(r'<span class="tag">(\w+)</span> <code class="text-break">([^<]+)</code>', page.text)
    told = [(method.upper(), path) for path, item in document["paths"].items() for method in item]
    assert sorted((method, html.unescape(path)) for method, path in shown) == sorted(told)
    assert "Gửi hồ sơ XML1 đến XML15 hoặc hồ sơ khám sức khỏe, hoặc chỉ thử trước khi gửi" in page.text
    anchors = set(re.findall(r'id="([^"]+)"', page.text))
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= anchors
    visitor.press("/preferences", language="en", back="/docs")
    assert (
        "Send dossiers, XML1 to XML15, or health checks, or only try what would become of them"
        in visitor.get("/docs").text
    )

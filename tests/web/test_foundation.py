"""What all pages share: policy, cookies, forms, languages, and what they cost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import jinja2
import pytest
from babel.messages.pofile import read_po

from ehr_sync.bootstrap_web import web_application
from ehr_sync.web.design.build import BUILT
from ehr_sync.web.design.texts import ENGLISH, WEB, texts
from tests.api.web import calling
from tests.usecases.service import Running, number_of, with_settings
from tests.web.browsing import Visitor

NUMBER = number_of(0)
TEMPLATES: Final = sorted((WEB / "design" / "templates").rglob("*.html"))


def test_a_page_fetches_nothing_from_elsewhere_and_runs_nothing(visitor: Visitor) -> None:
    answer = visitor.get("/")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == "'self'"
    assert {name for name in policy if "unsafe" in policy[name]} == set()
    assert (policy["form-action"], policy["base-uri"], policy["frame-ancestors"]) == ("'self'", "'none'", "'none'")
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_style_or_a_script_of_its_own(template: Path) -> None:
    text = template.read_text()
    assert re.findall(r"\sstyle=|<style|<script|\son[a-z]+=|javascript:|\|\s*safe|autoescape", text) == []


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(visitor: Visitor, desk: Running) -> None:
    visitor.get("/")
    sent = visitor.client.get("/sign-in/citizen").headers["Set-Cookie"]
    assert "HttpOnly" in sent
    assert "SameSite=Lax" in sent
    secure = web_application(with_settings(desk, public_url="https://so.example").service)
    sent = secure.test_client().get("/sign-in/citizen", base_url="https://so.example").headers["Set-Cookie"]
    assert sent.startswith("__Host-ehr=")
    assert "Secure" in sent
    assert "Path=/" in sent
    assert "Domain" not in sent


@pytest.mark.parametrize("path", ["/sign-out", "/preferences"])
@pytest.mark.parametrize("token", ["", "forged"])
def test_a_form_without_its_token_does_nothing(visitor: Visitor, path: str, token: str) -> None:
    visitor.sign_in(NUMBER)
    answer = visitor.client.post(path, data={"csrf_token": token, "where": "here", "language": "en"})
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Đăng xuất" in visitor.get("/").text


def test_a_word_that_no_database_takes_is_refused(visitor: Visitor) -> None:
    token = visitor.sign_in(NUMBER).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = visitor.client.post("/apps/end", data={"csrf_token": token, "app": "a\0b"})
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


def test_the_api_needs_no_form_token(visitor: Visitor) -> None:
    assert b"unsupported_grant_type" in visitor.client.post("/oauth2/token", data={"grant_type": "x"}).data


def test_language_and_large_type_are_remembered_and_survive_signing_in_and_out(visitor: Visitor) -> None:
    visitor.get("/")
    visitor.press("/preferences", language="en")
    visitor.get("/")
    visitor.press("/preferences", type="large")
    for page in (visitor.get("/"), visitor.sign_in(NUMBER)):
        assert '<html lang="en" class="large-type">' in page.text
    visitor.press("/sign-out", where="here")
    assert '<html lang="en" class="large-type">' in visitor.get("/").text
    assert visitor.get("/").headers["Content-Language"] == "en"


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "/a?b=c", "/a\r\nx"]
)
def test_a_form_sends_nobody_elsewhere(visitor: Visitor, path: str) -> None:
    visitor.get("/")
    assert visitor.press("/preferences", language="en", back=path).headers["Location"] == "/"


def test_an_unknown_page_is_told_to_people_as_a_page_and_to_programs_as_json(visitor: Visitor) -> None:
    for accept, kind in (("text/html,*/*;q=0.8", "text/html"), ("*/*", "application/problem+json")):
        answer = visitor.client.get("/khong-co<script>", headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (404, kind)
        assert "<script>" not in answer.text


@pytest.mark.parametrize("path", ["/fhir/Patient/x/y/z", "/api/v1/nothing"])
def test_a_program_is_told_no_page_whatever_it_accepts(visitor: Visitor, path: str) -> None:
    answer = visitor.client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.is_json) == (404, True)


@pytest.mark.parametrize(("path", "room"), [("/facility", "facility"), ("/ops", "ops")])
def test_p10_somebody_signed_in_is_named_where_they_are_refused(
    visitor: Visitor, desk: Running, path: str, room: str
) -> None:
    visitor.sign_in(NUMBER)
    assert visitor.get(path).status_code == 403
    [(came,)] = desk.rows("SELECT actor FROM audit_event WHERE action LIKE 'sign in%'")
    [(refused,)] = desk.rows("SELECT actor FROM audit_event WHERE action LIKE 'refused %'")
    assert refused == came.replace("citizen:", f"{room}:")


def test_whoever_is_told_to_wait_reads_it_on_a_page(desk: Running) -> None:
    visitor = Visitor(calling(web_application(with_settings(desk, refusals_per_minute=2).service)))
    asking = {"Accept": "text/html"}
    answers = [visitor.get("/none", headers=asking) for _ in range(3)]
    assert [(answer.status_code, answer.mimetype) for answer in answers] == [
        (404, "text/html"),
        (404, "text/html"),
        (429, "text/html"),
    ]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "</html>" in answers[-1].text


def test_stylesheets_are_small_on_the_wire_and_kept_for_ever(visitor: Visitor) -> None:
    page = visitor.get("/").text
    names = re.findall(r'href="(/static/[^"]+)"', page)
    assert len(names) == 2
    total = len(page.encode())
    for name in names:
        answer = visitor.client.get(name, headers={"Accept-Encoding": "br, gzip"})
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "br")
        assert "immutable" in answer.headers["Cache-Control"]
        total += len(answer.data)
        answer.close()
    assert total < 60_000
    assert (WEB / "design" / "static" / "own.css").stat().st_size < 8_000


@pytest.mark.parametrize("name", ["../manifest.json", "%2e%2e/manifest.json", "bootstrap.css", "own.css.br/.."])
def test_nothing_but_what_was_built_is_served(visitor: Visitor, name: str) -> None:
    assert (BUILT / "manifest.json").is_file()
    assert visitor.client.get(f"/static/{name}").status_code == 404


def test_every_text_stands_in_both_languages() -> None:
    with ENGLISH.open("rb") as file:
        english = read_po(file, locale="en")
    missing = [
        (path, line, text)
        for path, line, text in texts()
        if not (known := english.get(text if isinstance(text, str) else text[0])) or not known.string or known.fuzzy
    ]
    assert missing == []


LETTERS: Final = re.compile(r"[^\W\d_]{2,}")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_a_word_in_one_language_only(template: Path) -> None:
    tokens = jinja2.Environment(autoescape=True).lex(template.read_text())
    text = "".join(value for _, kind, value in tokens if kind == "data")
    words = LETTERS.findall(re.sub(r"<[^>]*>|&[a-z]+;", " ", text))
    assert [word for word in words if word not in {"English", "Tiếng", "Việt"}] == []


def test_hsts_is_said_behind_tls(desk: Running) -> None:
    secure = web_application(with_settings(desk, public_url="https://so.example").service)
    assert (
        "max-age" in secure.test_client().get("/", base_url="https://so.example").headers["Strict-Transport-Security"]
    )


def test_a_table_that_scrolls_sideways_is_reached_by_keyboard() -> None:
    """WCAG 2.2, 2.1.1: at 320 px and in English the summary's tables are wider than the page."""
    scrolling = [tag for page in TEMPLATES for tag in page.read_text().split("<") if "table-responsive" in tag]
    assert scrolling
    assert [tag for tag in scrolling if 'tabindex="0"' not in tag] == []

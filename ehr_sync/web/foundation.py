"""What all pages stand on: who is there, in which language and type, how a page is made, and what it may fetch."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, g, redirect, render_template, request, session, url_for
from flask_babel import Babel
from flask_compress import Compress
from flask_wtf.csrf import CSRFProtect
from whitenoise import WhiteNoise

from ehr_sync.api.access import Face
from ehr_sync.api.admission import Admission
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.places import Places
from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.api.problems import Problem
from ehr_sync.core.ports import Login
from ehr_sync.runtime.logs import Log
from ehr_sync.usecases.access.sessions import Visit
from ehr_sync.usecases.desk.asking import desk_of
from ehr_sync.web.design import build, words
from ehr_sync.web.design.words import gettext
from ehr_sync.web.sign_in import Client, NotGood, Provider
from ehr_sync.web.uploads import Upload, request_class

HOMES: Final[dict[Face, str]] = {"citizen": "citizen.home", "facility": "facility.home", "ops": "operator.home"}
_BACK: Final = "back"
_TOKEN: Final = "sid"  # noqa: S105 - the name of what the cookie holds
_FORM_BYTES: Final = 64_000
_UPLOAD: Final = "facility.check_files"
_SENDING: Final = frozenset({_UPLOAD, "facility.send_files", "facility.refused_files"})  # each maps whole files
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{}; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The use cases of signing in."""

    start: Callable[..., str]  # (login, level, *, replaces) → token
    resume: Callable[[str], Visit | None]
    end: Callable[[str], None]
    end_all: Callable[[Login], int]
    note_refused: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Foundation:
    """Pages as `create_app` takes them in. `secret` signs cookies; `client` is None where signing in is not set up."""

    rooms: Sequence[Blueprint]
    sessions: Sessions
    attempts: object  # what is remembered of those who left for the provider
    client: Client | None
    secret: bytes = field(repr=False)
    log: Log
    new_upload: Callable[[], Upload]  # where a file of a form is kept while it comes
    admission: Admission
    places: Places

    def install(self, app: Flask, *, public_url: str) -> None:
        """Give the application its pages."""
        secure = public_url.startswith("https:")
        app.config.update(
            SECRET_KEY=hmac.new(self.secret, b"cookies of pages", hashlib.sha256).digest(),
            # With __Host- no other host of the domain can set it; browsers take it under TLS only.
            SESSION_COOKIE_NAME="__Host-ehr" if secure else "ehr",
            SESSION_COOKIE_SECURE=secure,
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Lax",
            SESSION_REFRESH_EACH_REQUEST=False,
            BABEL_DEFAULT_LOCALE="vi",
            BABEL_TRANSLATION_DIRECTORIES=str(build.BUILT / "translations"),
            WTF_CSRF_TIME_LIMIT=None,  # it ends with the session
            WTF_CSRF_SSL_STRICT=secure,
        )
        app.template_folder = "web/design/templates"
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        app.jinja_env.globals["static"] = partial(_static, build.names())
        app.extensions["pages"] = self
        Babel(app, locale_selector=language)
        _compress(app)
        app.request_class = request_class(self.new_upload)
        # Before the form's token is looked for, as that reads all of the form.
        app.before_request(self._bound)
        app.teardown_request(_leave_place)
        protect = CSRFProtect(app)
        app.before_request(_readable)
        for blueprint in app.blueprints.values():
            protect.exempt(blueprint)
        app.context_processor(_of_every_page)
        provider = Provider(app, self.client, self.attempts) if self.client else None
        app.register_blueprint(_common(self, provider))
        for room in self.rooms:
            room.after_request(_guarded)
            app.register_blueprint(room)
        app.register_error_handler(Stranger, self.instead)
        app.register_error_handler(NothingHere, lambda error: redirect(url_for(error.endpoint), 303))
        app.jinja_env.filters.update(
            day=words.day, moment=words.moment, span=words.span, times=words.times, when=words.when
        )
        static = WhiteNoise(app.wsgi_app, root=build.BUILT / "static", prefix="static/", immutable_file_test=_is_named)
        app.wsgi_app = static  # type: ignore[method-assign]

    def _bound(self) -> None:
        """A form is short, but for the files of one of a facility's people, who wait for their place as its system
        does (api/submissions.py), before a file is read.
        """
        code = (request.view_args or {}).get("code")
        visit = self.visit() if request.endpoint in _SENDING else None
        if visit and code in visit.facilities():
            self.admission.admit_submission(desk_of(code))
            g.place = ExitStack()
            g.place.enter_context(self.places.taken(desk_of(code)))
        if _is_page() and not ("place" in g and request.endpoint == _UPLOAD):
            request.max_content_length = _FORM_BYTES

    def admit(self, face: Face) -> None:
        """Let the visitor into a face's rooms, or raise Stranger with the page that they see instead."""
        visit = self.visit()
        if visit is None:
            raise Stranger(face, "welcome.html")
        g.login = visit.login  # a refusal names them
        if face == "citizen" and not visit.sees_a_book:
            raise Stranger(face, "step_up.html" if visit.login.personal_number else "no_post.html")
        if (face == "facility" and not visit.facilities()) or (face == "ops" and not visit.operates):
            raise Stranger(face, "no_post.html")

    def visit(self) -> Visit | None:
        """Who is there, found once a request."""
        if "visit" not in g:
            token = session.get(_TOKEN)
            g.visit = self.sessions.resume(token) if token else None
            if token and g.visit is None:
                session.pop(_TOKEN)
        found: Visit | None = g.visit
        return found

    def problem(self, problem: Problem) -> Response | None:
        """A problem as a page, where a page was asked for."""
        if not _is_page():
            return None
        kind, at = PROBLEMS[problem.code], language()
        told = {"title": kind.title(at), "remedy": kind.remedy(at), "incident": g.incident, "again": None}
        if problem.code == "sign_in.not_good":
            told["again"] = url_for("pages.sign_in", face="citizen")
        answer = Response(render_template("problem.html", **told), status=kind.status)
        answer.headers.extend(problem.headers)
        return _guarded(answer)

    def instead(self, stranger: Stranger) -> Response:
        """What somebody sees who may not see what they asked for: on a face's own address a page that says why."""
        if request.method != "GET" or request.endpoint != HOMES[stranger.face]:
            return _guarded(Response(status=303, headers={"Location": url_for(HOMES[stranger.face])}))
        status = 403 if stranger.template == "no_post.html" else 200
        sign_in = url_for("pages.sign_in", face=stranger.face) if self.client else None
        told = _welcome(stranger.face)
        return _guarded(Response(render_template(stranger.template, sign_in=sign_in, **told), status=status))


class Stranger(Exception):
    """Somebody who is not, or not surely enough, known for this face; `template` says why."""

    def __init__(self, face: Face, template: str) -> None:
        super().__init__(face)
        self.face, self.template = face, template


class NothingHere(Exception):
    """There is nothing to show on this page; another one says why."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint


def visitor() -> Visit:
    """Who is there; for routes behind the guard."""
    found: Visit = g.visit
    return found


def anybody() -> Visit | None:
    """Who is there, if anybody; for routes that are open to all."""
    pages: Foundation = current_app.extensions["pages"]
    return pages.visit()


def language() -> Language:
    """The language of this page: chosen once, or the browser's."""
    chosen = session.get("language")
    return chosen if chosen in {"vi", "en"} else language_of(request)


def sign_in_first() -> str:
    """The address to sign in at, after which one comes back to where `come_back_to` says."""
    return url_for("pages.sign_in", face="citizen", back="")


def ask_to_sign_in() -> Response:
    """A page with a link to where `sign_in_first` leads. After a form nobody can be sent there at once: browsers hold
    `form-action` against every redirect.
    """
    return page("welcome.html", sign_in=sign_in_first(), **_welcome("citizen"))


def come_back_to(path: str) -> None:
    """Remember a path and query of ours, while somebody signs in or changes how pages look."""
    session[_BACK] = path


def let_forms_lead_to(source: str) -> None:
    """Let a form of this page end at another place too, by a redirect: browsers hold `form-action` against that."""
    g.form_action = f" {source}"


def page(template: str, **told: Any) -> Response:
    """A page of one's own: never kept by anything on the way."""
    return Response(render_template(template, **told))


def _common(pages: Foundation, provider: Provider | None) -> Blueprint:
    blueprint = Blueprint("pages", __name__)
    blueprint.after_request(_guarded)

    @blueprint.get("/sign-in/<any(citizen,facility,ops):face>")
    def sign_in(face: Face) -> Response:
        if provider is None:
            raise Problem("not_found")
        session["face"] = face
        if "back" not in request.args:
            session.pop(_BACK, None)
        return provider.leave(level=2)

    @blueprint.get("/sign-in/back")
    def sign_in_back() -> Response:
        if provider is None:
            raise Problem("not_found")
        try:
            login, level = provider.come_back()
        except NotGood as error:
            pages.sessions.note_refused(error.reason)
            pages.log.warning("sign_in_refused", reason=error.reason, incident=g.incident)
            raise Problem("sign_in.not_good") from None
        face, kept = session.get("face", "citizen"), {name: session.get(name) for name in ("language", "type")}
        before, back = session.get(_TOKEN), session.get(_BACK)
        session.clear()  # nothing of before goes on under the new name, the CSRF token neither
        session.update({name: value for name, value in kept.items() if value})
        session[_TOKEN] = pages.sessions.start(login, level, replaces=before)
        return redirect(back or url_for(HOMES.get(face, "citizen.home")), 303)  # type: ignore[return-value]

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        visit, token = pages.visit(), session.get(_TOKEN)
        if visit and request.form.get("where") == "everywhere":
            pages.sessions.end_all(visit.login)
        elif token:
            pages.sessions.end(token)
        kept = {name: session.get(name) for name in ("language", "type")}
        session.clear()
        session.update({name: value for name, value in kept.items() if value})
        return redirect(url_for("citizen.home"), 303)  # type: ignore[return-value]

    @blueprint.post("/preferences")
    def prefer() -> Response:
        if request.form.get("language") in {"vi", "en"}:
            session["language"] = request.form["language"]
        if request.form.get("type") in {"large", "normal"}:
            session["type"] = request.form["type"]
        back, kept = _own(request.form.get("back", "/")), session.get(_BACK, "")
        if kept.partition("?")[0] != back:
            return redirect(back, 303)  # type: ignore[return-value]
        # A page that an app led to means nothing without what the app asked.
        return redirect(kept, 303) if pages.visit() else ask_to_sign_in()  # type: ignore[return-value]

    return blueprint


def _compress(app: Flask) -> None:
    """Answers in fewer bytes, of pages and the API alike; but none that may say what somebody put in beside the token
    of a form, since its length would tell of the token (the BREACH attack).
    """
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_MIMETYPES=["text/html", "application/json", "application/fhir+json"],
    )
    compress = Compress(app)

    @app.after_request
    def compressed(response: Response) -> Response:
        # An error page names the path that was asked for.
        was_given = bool(request.query_string) or request.method == "POST" or response.status_code >= 400
        return response if was_given and "csrf_token" in g else compress.after_request(response)


def _own(path: str) -> str:
    # Only to a page of ours: "//elsewhere", "/\\elsewhere" and what holds a query are not.
    plain = path.startswith("/") and not path.startswith("//") and path.replace("/", "").replace("-", "").isalnum()
    return path if plain else "/"


def _readable() -> None:
    # Nobody types a NUL, and no database takes one.
    if _is_page() and any("\0" in value for value in (*request.args.values(), *request.form.values())):
        raise Problem("request.bad")


def _leave_place(_: BaseException | None) -> None:
    if "place" in g:
        g.pop("place").close()


def _of_every_page() -> dict[str, Any]:
    return {
        "language": language(),
        "large_type": session.get("type") == "large",
        "visit": g.get("visit"),
        "home": url_for(HOMES[_face()]),
    }


def _face() -> Face:
    return {"facility": "facility", "operator": "ops"}.get(request.blueprint or "", "citizen")  # type: ignore[return-value]


def _static(names: dict[str, str], name: str) -> str:
    return f"/static/{names[name]}"


def _is_named(path: str, url: str) -> bool:
    return url in {f"/static/{name}" for name in build.names().values()}


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY.format(g.get("form_action", ""))
    # Without any referrer, CSRF checks refuse every form behind TLS.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Content-Language"] = language()
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_page() -> bool:
    if request.path.startswith(("/fhir", "/api")):
        return False  # what asks there is a program, whatever it accepts; a batch puts answers into its own
    if request.blueprint:
        return request.blueprint in {"pages", "citizen", "facility", "operator", "apps", "reference"}
    return request.accept_mimetypes.best_match(["application/problem+json", "text/html"]) == "text/html"


def _welcome(face: Face) -> dict[str, Any]:
    told = {
        "citizen": (
            gettext("Sổ sức khỏe điện tử của bạn"),
            [
                gettext("Các lần khám, kết quả, thuốc và lời dặn mà các cơ sở y tế đã gửi về, ở một nơi."),
                gettext("Chỉ bạn, và ứng dụng mà bạn cho phép, đọc được sổ của bạn. Mỗi lần có ai xem, bạn đều thấy."),
            ],
        ),
        "facility": (
            gettext("Bàn làm việc của cơ sở y tế"),
            [
                gettext("Xem hồ sơ đã gửi hôm nay: hồ sơ nào đã lên sổ, hồ sơ nào bị từ chối và cách sửa."),
                gettext("Kiểm tra tệp trước khi gửi, tìm một hồ sơ, quản lý khóa kết nối."),
            ],
        ),
        "ops": (
            gettext("Bảng vận hành"),
            [
                gettext("Dịch vụ có ổn không, cái gì đang chờ và vì sao."),
                gettext(
                    "Bảng này cho thấy trạng thái, không có nội dung bệnh án; tên người bệnh chỉ hiện ở việc xét duyệt."
                ),
            ],
        ),
    }[face]
    return {"welcome": told[0], "lines": told[1]}

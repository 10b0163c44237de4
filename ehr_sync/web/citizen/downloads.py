"""One's own book to take away: as FHIR, as tables for a spreadsheet, on paper."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ehr_sync.web.citizen.book import Book
from ehr_sync.web.citizen.lists import Allergy, Problem, Vaccination
from ehr_sync.web.citizen.visits import Medicine, Report, Result, Visit
from ehr_sync.web.citizen.words import titled
from ehr_sync.web.design.words import day, gettext, moment, span, times, when
from ehr_sync.web.printing.paper import Paper, Section
from mappings.summary.conditions import Diagnosis

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def ndjson(resources: Iterable[bytes]) -> bytes:
    """One resource a line.  http://hl7.org/fhir/R4/nd-json.html"""
    return b"".join(resource + b"\n" for resource in resources)


def tables(book: Book) -> bytes:
    """A zip of CSV files, one a kind of thing that the book tells, and what to know of them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in (
            ("lan-kham.csv", _visits(book)),
            ("ket-qua.csv", _results(book)),
            ("thuoc.csv", _medicines(book)),
            ("benh-theo-doi.csv", _problems(book)),
            ("di-ung.csv", _allergies(book)),
            ("tiem-chung.csv", _vaccinations(book)),
            ("giay-to.csv", _papers(book)),
        ):
            archive.writestr(_named(name), _csv(rows))
        archive.writestr(_named("doc-truoc.txt"), "\r\n".join((gettext("bản hiển thị dữ liệu"), _may_lack(), "")))
    return packed.getvalue()


def _named(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _may_lack() -> str:
    """What a list of medicines says of itself (rules: drug-list-may-lack)."""
    return gettext("Thuốc do cơ sở ghi, có thể thiếu thuốc bạn tự mua.")


def _no_allergies() -> str:
    return gettext("Chưa cơ sở nào gửi thông tin dị ứng. Điều đó không có nghĩa là bạn không dị ứng gì.")


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()  # so that spreadsheets read it as UTF-8


def _cell(value: Any) -> str:
    """A value as words: what a spreadsheet would take for a formula begins with an apostrophe."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _visits(book: Book) -> Iterator[Sequence[Any]]:
    yield (
        gettext("Từ"),
        gettext("Đến"),
        gettext("Nơi khám"),
        gettext("Loại"),
        gettext("Bệnh chính"),
        "ICD-10",
        gettext("Bệnh ghi kèm"),
        gettext("Cơ sở ghi"),
        gettext("Kết quả điều trị"),
        gettext("Ra về"),
        gettext("Lời dặn"),
        gettext("Hẹn khám lại"),
    )
    for v in book.visits:
        main = (v.main.text, v.main.code) if v.main else ("", "")
        others, notes = "; ".join(map(_coded, v.others)), "; ".join(v.notes)
        said = (others, notes, v.outcome, v.left, " ".join(v.advice), _coming(v))
        yield (v.start, v.end, v.place, v.kind, *main, *said)


def _results(book: Book) -> Iterator[Sequence[Any]]:
    yield (gettext("Khi nào"), gettext("Tên"), gettext("Giá trị"), gettext("Đơn vị"), gettext("Nơi làm"))
    of_visits = (result for visit in book.visits for result in (*visit.vitals, *visit.results))
    for r in (*of_visits, *book.measured):
        yield (r.at, r.name, r.value, r.unit, r.place)


def _medicines(book: Book) -> Iterator[Sequence[Any]]:
    yield (
        gettext("Từ"),
        gettext("Đến"),
        gettext("Thuốc"),
        gettext("Số lượng"),
        gettext("Cách dùng"),
        gettext("Nơi khám"),
        gettext("Ghi chú"),
    )
    for m in book.medicines():
        yield (m.first, m.last, m.name, m.amount, m.dose, m.place, _given(m))


def _problems(book: Book) -> Iterator[Sequence[Any]]:
    yield (
        gettext("Ngày ghi"),
        gettext("Bệnh"),
        "ICD-10",
        gettext("Còn hay không"),
        gettext("Từ"),
        gettext("Đến"),
        gettext("Nơi khám"),
    )
    for p in book.problems:
        yield (p.on, p.text, p.code, _standing(p), p.since, p.over, p.place)


def _allergies(book: Book) -> Iterator[Sequence[Any]]:
    yield (gettext("Ngày ghi"), gettext("Dị ứng"), gettext("Còn hay không"), gettext("Biểu hiện"), gettext("Nơi khám"))
    for a in book.allergies:
        yield (a.on, a.name, _standing(a), "; ".join(what for what, _ in a.reactions), a.place)


def _vaccinations(book: Book) -> Iterator[Sequence[Any]]:
    yield (
        gettext("Khi nào"),
        gettext("Vắc xin"),
        gettext("Mũi"),
        gettext("Phòng bệnh"),
        gettext("Số lô"),
        gettext("Không tiêm vì"),
        gettext("Nơi tiêm"),
    )
    for v in book.vaccinations:
        why_not = "" if v.given else v.why_not or gettext("Không tiêm")
        yield (v.on, v.name, v.dose, "; ".join(v.against), v.lot, why_not, v.place)


def _papers(book: Book) -> Iterator[Sequence[Any]]:
    yield (gettext("Ngày"), gettext("Giấy tờ"), gettext("Nơi khám"), gettext("Mục"), gettext("Nội dung"))
    for p in book.papers():
        for title, told in p.parts:
            yield (p.on, titled(p.title), p.place, titled(title), "; ".join(told))


def paper(book: Book, *, taking: Sequence[Medicine], language: str, made: str) -> Paper:
    """The whole book on paper."""
    patient = book.patient
    return Paper(
        title=gettext("Sổ sức khỏe điện tử"),
        language=language,
        footer=gettext("bản hiển thị dữ liệu") + f", {made}",
        lines=(patient["name"][0]["text"], patient["identifier"][0]["value"], day(patient.get("birthDate", ""))),
        sections=(
            Section(gettext("Đang dùng thuốc"), lines=(_may_lack(),), items=tuple(map(_medicine, taking))),
            Section(
                gettext("Dị ứng"),
                lines=() if book.allergies else (_no_allergies(),),
                items=tuple(map(_allergy, book.allergies)),
            ),
            Section(
                gettext("Bệnh của bạn"),
                items=tuple(f"{_coded(c.named)}, {span(c.first, c.last)}" for c in book.conditions()),
            ),
            *_if_any(gettext("Bệnh mà cơ sở theo dõi"), map(_problem, book.problems)),
            *(_section(visit) for visit in book.visits),
            *_if_any(
                gettext("Ngoài các lần khám"),
                (*map(_result, book.measured), *map(_report, book.reported), *map(_medicine, book.prescribed)),
            ),
            *_if_any(gettext("Tiêm chủng"), map(_vaccination, book.vaccinations)),
        ),
    )


def _if_any(title: str, items: Iterable[str]) -> Iterator[Section]:
    told = tuple(items)
    if told:
        yield Section(title, items=told)


def _section(visit: Visit) -> Section:
    said = [
        (gettext("Nơi khám"), visit.place),
        (gettext("Thời gian"), times(visit.start, visit.end)),
        (gettext("Lý do"), "; ".join(visit.reasons)),
        (gettext("Bệnh chính"), _coded(visit.main) if visit.main else ""),
        (gettext("Bệnh ghi kèm"), "; ".join(map(_coded, visit.others))),
        (gettext("Đã làm"), "; ".join(visit.procedures)),
        (gettext("Cơ sở ghi"), "; ".join(visit.notes)),
        (gettext("Kết quả điều trị"), visit.outcome),
        (gettext("Ra về"), visit.left),
        (gettext("Lời dặn"), " ".join(visit.advice)),
        (gettext("Hẹn khám lại"), _coming(visit)),
    ]
    said += [(f"{titled(p.title)}: {titled(title)}", " ".join(told)) for p in visit.papers for title, told in p.parts]
    found = (*map(_result, (*visit.vitals, *visit.results)), *map(_report, visit.reports))
    return Section(
        title=f"{span(visit.start, visit.end)}, {visit.kind}",
        rows=tuple((name, value) for name, value in said if value),
        items=(*found, *map(_medicine, visit.medicines)),
        lines=(
            gettext(
                "%(place)s gửi, nhận lúc %(when)s. Người bệnh được nhận ra bằng số định danh đã đối chiếu.",
                place=visit.place,
                when=moment(visit.came),
            ),
            *((_may_lack(),) if visit.medicines else ()),
        ),
    )


def _result(each: Result) -> str:
    return f"{each.name}: {each.value} {each.unit}".strip()


def _report(each: Report) -> str:
    return f"{each.name}: {each.conclusion}"


def _medicine(each: Medicine) -> str:
    return ", ".join(filter(None, (each.name, each.amount, each.dose, span(each.first, each.last), _given(each))))


def _allergy(each: Allergy) -> str:
    return ", ".join(filter(None, (each.name, _standing(each), *(what for what, _ in each.reactions), each.place)))


def _problem(each: Problem) -> str:
    return ", ".join(filter(None, (_coded(each), _standing(each), span(each.since, each.over), each.place)))


def _standing(each: Allergy | Problem) -> str:
    if each.certainty == "refuted":
        return gettext("Đã loại trừ")
    return gettext("Còn") if each.stands else gettext("Không còn")


def _vaccination(each: Vaccination) -> str:
    dose = gettext("mũi %(n)s", n=each.dose) if each.dose else ""
    not_given = "" if each.given else gettext("Không tiêm")
    return ", ".join(filter(None, (day(each.on), each.name, dose, not_given, each.place)))


def _given(each: Medicine) -> str:
    return gettext("dùng tại cơ sở") if each.given else ""


def _coded(what: Diagnosis | Problem) -> str:
    return f"{what.text} ({what.code})" if what.code else what.text


def _coming(visit: Visit) -> str:
    return "; ".join(when(each.first, each.last) for each in visit.appointments)

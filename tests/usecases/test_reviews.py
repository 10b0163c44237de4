"""A person decides what the registry leaves open: with a reason, reversibly, and never against what it says for certain
(rules: review-proves, two-proofs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, with_values
from ehr_sync.store import reviews
from ehr_sync.usecases.access.seal_edges import survey_edges
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.desk.answer_questions import answer_question, list_questions
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.withdraw_dossiers import withdraw_dossiers
from ehr_sync.usecases.review.ask_facility import ask_facility
from ehr_sync.usecases.review.decide_review import accept, reject, undo
from ehr_sync.usecases.review.look_at_review import Case, look_at_review
from mappings.formats.code_list import ListRow
from tests.usecases.service import FACILITY, Running, number_of
from tests.usecases.test_twins import FIRST, SECOND
from tests.usecases.test_twins import NUMBER as OF_TWINS

HUNG: Final = with_values(dossier(701, person_index=701, rows=1), "XML1", HO_TEN="NGUYỄN VĂN HÙNG")
NUMBER: Final = number_of(701)
DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")
ELSEWHERE: Final = Asker("facility:another", "page:01002")


@dataclass(frozen=True, slots=True)
class Shows:
    """A registry that shows what it holds, whatever it is asked for."""

    name: str | None
    birth_date: str = ""

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        if self.name is None:
            return None
        return RegistryPerson(question.number, self.name, self.birth_date or question.birth_date, "male")


def put(running: Running, hoso: Hoso, *shows: str | None, birth_date: str = "") -> str:
    """Send a dossier, let the registry answer, and return the subject of its claim."""
    running.post(hoso)
    answered(running, *shows, birth_date=birth_date)
    [(claim_id,)] = running.rows("SELECT claim_id FROM claim ORDER BY created_at DESC LIMIT 1")
    return bytes(claim_id).hex()


def answered(running: Running, *shows: str | None, birth_date: str = "") -> None:
    for name in shows:
        running.run("UPDATE claim SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")
        sweep = running.verification(Shows(name, birth_date))
        sweep.run_dry()
        sweep.drain()


def asked_again(running: Running, subject: str, *shows: str | None) -> None:
    """The claim is asked about once more, and the registry shows this."""
    running.run("UPDATE claim SET due_at = clock_timestamp() WHERE claim_id = :id", id=bytes.fromhex(subject))
    answered(running, *shows)


def waiting(running: Running) -> dict[str, int]:
    """How many of each kind wait, without those of which there are none."""
    with running.stores.database.begin() as connection:
        found = reviews.counts(connection, most=100)
        listed = {kind: len(reviews.queue(connection, kind, after=None, limit=100)) for kind in found}
    assert listed == found
    return {kind: n for kind, n in found.items() if n}


def state(running: Running, subject: str) -> tuple[str, str]:
    [row] = running.rows("SELECT state, reason FROM claim WHERE claim_id = :id", id=bytes.fromhex(subject))
    return row.state, row.reason


def visits(running: Running, number: str = NUMBER) -> int:
    """How many visits the book shows."""
    running.deliver()
    running.deliver()
    return len([key for key in running.living(number) if key[0] == "Encounter"])


def yes(running: Running, subject: str, why: str = "documents_agree", by: str = "lan") -> str:
    return accept(subject, why=why, by=by, stores=running.stores)


def no(running: Running, subject: str, why: str = "another_person", by: str = "lan") -> str:
    return reject(subject, why=why, by=by, stores=running.stores)


def back(running: Running, subject: str, by: str = "minh") -> str:
    return undo(subject, by=by, stores=running.stores)


def seen(running: Running, subject: str) -> Case:
    return look_at_review(subject, by="lan", stores=running.stores)


def refused(act: Callable[..., str], *given: Any, **named: Any) -> str:
    with pytest.raises(Conflict) as found:
        act(*given, **named)
    return found.value.code


@pytest.fixture(autouse=True)
def edges_fit(running: Running) -> Any:
    """Whatever was decided, every deciding edge is as the service wrote it."""
    yield
    assert [(found.says, found.edge) for found in survey_edges(stores=running.stores)] == []


# ---- accept ----


def test_a_claim_that_a_reviewer_accepts_is_in_the_book_and_says_by_whose_word(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    assert (waiting(running), visits(running)) == ({"possible": 1}, 0)

    assert yes(running, subject, "office_confirmed/ticket-17") == "accepted"

    assert (state(running, subject), waiting(running), visits(running)) == (("proven", "review.accepted"), {}, 1)
    [kept] = running.rows("SELECT reason, seen, was, decided_by, decided_at IS NOT NULL AS dated FROM review")
    assert kept[:3] == ("office_confirmed/ticket-17", "registry.name_near", "review registry.name_near")
    assert (kept.decided_by, kept.dated) == (running.stores.alias_of("lan"), True)
    told = running.rows("SELECT actor, detail FROM audit_event WHERE action = 'accept review'")
    actor = f"ops:{running.stores.alias_of('lan')}"
    assert [tuple(row) for row in told] == [(actor, f"{subject} accepted office_confirmed/ticket-17")]


def test_p4_accept_and_undo_twice_in_a_row_leave_the_book_right(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    shown, versions = [], []
    for _ in range(2):
        yes(running, subject)
        shown.append(visits(running))
        versions += [r["meta"]["versionId"] for key, r in running.shown(NUMBER).items() if key[0] == "Encounter"]
        back(running, subject)
        shown.append(visits(running))
    assert shown == [1, 0, 1, 0]
    assert versions == ["1", "3"]  # 2 is that it was gone
    assert (state(running, subject), waiting(running)) == (("review", "registry.name_near"), {"possible": 1})
    [patient] = [value for key, value in running.book(NUMBER).items() if key[0] == "Patient"]
    assert "name" not in patient
    assert running.everything(NUMBER).resources == ()


def test_a_number_whose_proof_was_taken_back_is_proven_by_the_next_that_is_certain(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    yes(running, subject)
    back(running, subject)
    put(
        running,
        with_values(dossier(702, person_index=701, rows=1), "XML1", HO_TEN="NGUYỄN VĂN HƯNG"),
        "NGUYỄN VĂN HƯNG",
    )
    assert visits(running) == 1
    [patient] = [value for key, value in running.book(NUMBER).items() if key[0] == "Patient"]
    assert patient["name"][0]["text"] == "NGUYỄN VĂN HƯNG"
    yes(running, subject)
    assert visits(running) == 2
    back(running, subject)
    assert visits(running) == 1


def test_what_the_registry_proves_later_is_proven_by_the_registry(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    yes(running, subject)
    asked_again(running, subject, "NGUYỄN VĂN HÙNG")
    assert state(running, subject)[0] == "proven"
    assert state(running, subject)[1].startswith("registry.exact")
    assert refused(back, running, subject) == "review.not_open"


BARRED: Final = [
    ("registry.number_invalid", "certainly-not", "review.number_invalid"),
    ("registry.number_superseded", "possible", "review.number_superseded"),
]


@pytest.mark.parametrize(("reason", "grade", "code"), BARRED)
def test_p5_no_reviewer_proves_a_number_that_the_registry_says_is_none(
    running: Running, reason: str, grade: str, code: str
) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    running.run("UPDATE claim SET reason = :reason, grade = :grade", reason=reason, grade=grade)
    assert [refused(yes, running, subject, by=who) for who in ("lan", "minh")] == [code, code]
    assert (state(running, subject), visits(running)) == (("review", reason), 0)


def test_p5_no_reviewer_proves_a_number_that_is_anothers(running: Running) -> None:
    theirs = put(running, HUNG, "NGUYỄN VĂN HÙNG")
    other = with_values(dossier(703, person_index=701, rows=1), "XML1", HO_TEN="TRẦN THỊ MAI")
    subject = put(running, other, None)
    running.run("UPDATE claim SET grade = 'probable' WHERE claim_id = :id", id=bytes.fromhex(subject))
    case = seen(running, subject)
    assert case.ruling.bar == "review.number_of_another"
    assert ["".join(part.text for part in each.name) for each in case.claims] == ["TRẦN THỊ MAI", "NGUYỄN VĂN HÙNG"]
    assert refused(yes, running, subject) == "review.number_of_another"
    assert (state(running, theirs)[0], visits(running)) == ("proven", 1)


def test_what_the_registry_only_denies_is_accepted_after_somebody_saw_the_card(running: Running) -> None:
    subject = put(running, HUNG, None)
    assert state(running, subject) == ("not_proven", "registry.no_match")
    assert refused(yes, running, subject) == "review.ask_first"
    ask_facility(subject, by="lan", stores=running.stores)
    answer_question(subject, "card_seen", DESK, stores=running.stores)
    assert (state(running, subject)[0], visits(running)) == ("not_proven", 0)  # evidence, and no proof by itself
    yes(running, subject)
    assert visits(running) == 1


def test_two_people_override_what_is_certainly_not(running: Running) -> None:
    subject = put(running, HUNG, "LÊ QUỐC BẢO")
    assert waiting(running) == {"certainly-not": 1}
    assert yes(running, subject, "name_changed_by_law") == "proposed"
    assert refused(yes, running, subject, "name_changed_by_law") == "review.second_person"
    assert (state(running, subject)[0], visits(running)) == ("not_proven", 0)
    assert yes(running, subject, "name_changed_by_law", by="minh") == "accepted"
    assert visits(running) == 1


def test_a_proposal_that_was_undone_needs_two_people_again(running: Running) -> None:
    subject = put(running, HUNG, "LÊ QUỐC BẢO")
    yes(running, subject)
    assert back(running, subject, by="lan") == "open"
    assert yes(running, subject, by="minh") == "proposed"


def test_name_and_birth_date_that_the_registry_shows_otherwise_are_anothers_number(running: Running) -> None:
    subject = put(running, HUNG, "LÊ QUỐC BẢO", birth_date="19010203")
    assert refused(yes, running, subject) == "review.number_of_another"


# ---- reject ----


def test_what_a_reviewer_said_no_to_is_not_asked_about_again_until_that_is_undone(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    no(running, subject)
    assert (state(running, subject), waiting(running)) == (("not_proven", "review.rejected"), {})
    for n in (704, 705):
        running.run("UPDATE claim SET decided_at = decided_at - interval '2 days'")
        running.post(with_values(dossier(n, person_index=701, rows=1), "XML1", HO_TEN="NGUYỄN VĂN HÙNG"))
        if n == 704:
            assert state(running, subject) == ("not_proven", "review.rejected")
            back(running, subject)
            assert state(running, subject) == ("review", "registry.name_near")
    assert state(running, subject)[0] == "due"


# ---- contradictions ----


def test_p5_a_proof_by_review_is_opened_again_by_another_contradiction_and_by_no_other_answer(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    yes(running, subject)
    asked_again(running, subject, "NGUYỄN VĂN HƯNG")  # as the reviewer knew
    assert waiting(running) == {}
    asked_again(running, subject, None)
    assert (waiting(running), visits(running)) == ({"contradiction": 1}, 1)


def test_p5_a_contradicted_proof_stays_until_a_reviewer_takes_it_back_and_comes_back_with_that(
    running: Running,
) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HÙNG")
    reason = state(running, subject)[1]
    asked_again(running, subject, None)
    shown = [visits(running)]
    no(running, subject)
    shown.append(visits(running))
    assert state(running, subject) == ("not_proven", "review.rejected")
    back(running, subject)
    shown.append(visits(running))
    assert (shown, state(running, subject), waiting(running)) == ([1, 0, 1], ("proven", reason), {"contradiction": 1})


def of_other_sex(n: int) -> Hoso:
    """Another visit of the same person, by name and birth date, whose sex is written otherwise: a claim of its own."""
    sex = "1" if HUNG.summary["GIOI_TINH"] == "2" else "2"
    return with_values(dossier(n, person_index=701, rows=1), "XML1", HO_TEN="NGUYỄN VĂN HÙNG", GIOI_TINH=sex)


def test_where_the_first_proof_is_taken_back_the_next_proves_the_person(running: Running) -> None:
    first = put(running, HUNG, "NGUYỄN VĂN HÙNG")
    put(running, of_other_sex(709), "NGUYỄN VĂN HÙNG")
    asked_again(running, first, None)
    assert visits(running) == 2
    no(running, first)
    assert visits(running) == 1
    [patient] = [value for key, value in running.shown(NUMBER).items() if key[0] == "Patient"]
    assert patient["name"][0]["text"] == "NGUYỄN VĂN HÙNG"


def test_a_contradiction_that_a_reviewer_settled_is_not_told_again(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HÙNG")
    asked_again(running, subject, None)
    yes(running, subject)
    asked_again(running, subject, None)
    assert waiting(running) == {}
    back(running, subject)
    assert (waiting(running), visits(running)) == ({"contradiction": 1}, 1)


# ---- two people, or two names, under one number ----


def two_proofs(running: Running) -> str:
    put(running, HUNG, "NGUYỄN VĂN HÙNG")
    later = with_values(dossier(706, person_index=701, rows=1), "XML1", HO_TEN="NGUYỄN MINH KHÔI")
    return put(running, later, "NGUYỄN MINH KHÔI")


def test_two_proofs_of_one_number_that_differ_are_reviewed_and_parted_without_touching_the_first(
    running: Running,
) -> None:
    subject = two_proofs(running)
    assert (waiting(running), visits(running)) == ({"merge": 1}, 2)
    case = seen(running, subject)
    assert [each.rung for each in case.claims] == ["", "different"]
    shown = []
    for _ in range(2):
        no(running, subject)
        shown.append(visits(running))
        back(running, subject)
        shown.append(visits(running))
    assert shown == [1, 2, 1, 2]


def test_two_proofs_that_are_one_person_stay_together(running: Running) -> None:
    subject = two_proofs(running)
    yes(running, subject, "name_changed_by_law")
    assert (waiting(running), visits(running)) == ({}, 2)
    back(running, subject)
    assert waiting(running) == {"merge": 1}


def test_two_proofs_that_agree_in_name_and_birth_date_are_no_question(running: Running) -> None:
    put(running, HUNG, "NGUYỄN VĂN HÙNG")
    put(running, of_other_sex(707), "NGUYỄN VĂN HÙNG")
    assert running.counts("claim") == {"claim": 2}
    assert (waiting(running), visits(running)) == ({}, 2)


# ---- one visit under two MA_LK ----


def test_twins_are_reviewed_parted_and_put_together_again(running: Running) -> None:
    running.post(FIRST)
    running.post(SECOND)
    running.verify()
    assert waiting(running) == {"twin": 1}
    [(subject,)] = running.rows("SELECT encode(record_id, 'hex') FROM record WHERE twin IS NOT NULL")
    shown = [visits(running, OF_TWINS)]
    no(running, subject, "two_visits")
    shown.append(visits(running, OF_TWINS))
    back(running, subject)
    shown.append(visits(running, OF_TWINS))
    yes(running, subject, "one_visit")
    assert (shown, waiting(running), len(seen(running, subject).twins)) == ([1, 2, 1], {}, 2)
    back(running, subject)
    assert waiting(running) == {"twin": 1}


def test_a_twin_is_not_set_aside_again_for_a_visit_that_was_withdrawn(running: Running) -> None:
    running.post(FIRST)
    second = running.post(SECOND).transaction_code
    running.verify()
    [(subject,)] = running.rows("SELECT encode(record_id, 'hex') FROM record WHERE twin IS NOT NULL")
    no(running, subject, "two_visits")
    withdraw_dossiers([ListRow(1, code=second)], DESK, why="duplicate", stores=running.stores)
    assert refused(back, running, subject) == "review.not_open"
    assert visits(running, OF_TWINS) == 1


# ---- the facility is asked ----


def test_a_question_stands_on_its_facilitys_desk_until_it_is_answered(running: Running) -> None:
    code = running.post(HUNG).transaction_code
    answered(running, "NGUYỄN VĂN HƯNG")
    [(subject,)] = running.rows("SELECT encode(claim_id, 'hex') FROM claim")
    assert ask_facility(subject, by="lan", stores=running.stores) == "asked"
    [question] = list_questions(DESK, stores=running.stores)
    assert (question.subject, question.code, question.source_id, question.is_late) == (subject, code, HUNG.ma_lk, False)
    assert timedelta(days=6) < question.until - running.stores.database.now() <= timedelta(days=7)
    running.run("UPDATE review SET answer_until = now() - interval '1 minute'")
    assert [each.is_late for each in list_questions(DESK, stores=running.stores)] == [True]

    with pytest.raises(NotFound):
        answer_question(subject, "card_seen", ELSEWHERE, stores=running.stores)
    answer_question(subject, "another_person", DESK, stores=running.stores)

    assert (list_questions(DESK, stores=running.stores), waiting(running)) == ((), {"possible": 1})
    review = seen(running, subject).review
    assert review is not None
    assert (review.answer, review.answered_by) == ("another_person", "facility:somebody")
    with pytest.raises(NotFound):
        answer_question(subject, "card_seen", DESK, stores=running.stores)


# ---- what is seen ----


def test_names_stand_side_by_side_letter_by_letter_with_what_the_registry_said(running: Running) -> None:
    put(running, HUNG, "NGUYỄN VĂN HÙNG")
    later = with_values(dossier(708, person_index=701, rows=1), "XML1", HO_TEN="NGUYỄN VĂN HƯNG")
    subject = put(running, later, "NGUYỄN VĂN HÙNG")
    case = seen(running, subject)
    mine, theirs = case.claims
    assert [(part.text, part.same) for part in mine.name] == [("NGUYỄN VĂN H", True), ("Ư", False), ("NG", True)]
    assert [(part.text, part.same) for part in theirs.name] == [("NGUYỄN VĂN H", True), ("Ù", False), ("NG", True)]
    assert (mine.found["name"], mine.found["birth_date"], mine.grade) == ("near", "equal", "possible")
    assert (theirs.rung, theirs.state, theirs.places) == ("near", "proven", ("Bệnh viện mẫu",))
    assert (case.kind, case.may) == ("possible", ("accept", "reject", "ask"))
    assert running.rows("SELECT count(*) FROM audit_event WHERE action = 'look at review'") == [(1,)]


def test_of_two_who_decide_at_once_the_second_looks_again(running: Running) -> None:
    subject = put(running, HUNG, "LÊ QUỐC BẢO")
    yes(running, subject)
    with running.stores.database.begin() as connection:
        read = reviews.find(connection, running.stores.keys.edges, [bytes.fromhex(subject)])[bytes.fromhex(subject)]
    back(running, subject)
    with running.stores.database.begin() as connection:
        assert not reviews.put(connection, read)
        assert not reviews.put(connection, replace(read, sealed_at=0))


def test_nothing_that_is_not_there_is_reviewed(running: Running) -> None:
    put(running, HUNG, "NGUYỄN VĂN HÙNG")
    [(claim_id,)] = running.rows("SELECT encode(claim_id, 'hex') FROM claim")
    assert [refused(act, running, claim_id) for act in (yes, no, back)] == ["review.not_open"] * 3
    for wrong in ("00" * 16, "x", "", claim_id.upper()):
        with pytest.raises(NotFound):
            yes(running, wrong)


def test_p10_an_erased_person_leaves_no_review(running: Running) -> None:
    subject = put(running, HUNG, "NGUYỄN VĂN HƯNG")
    yes(running, subject)
    erase_person(running.person_of(NUMBER), by="ops", stores=running.stores)
    assert running.counts("review", "claim") == {"review": 0, "claim": 0}

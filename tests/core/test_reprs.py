"""P11: what names a person, says anything clinical, or opens what does, is in no repr, hence in no trace and no log."""

from __future__ import annotations

import importlib
from dataclasses import fields
from typing import Any, Final

import pytest

from ehr_sync.core.errors import Refused, Unavailable
from ehr_sync.core.ports import Login, RegistryPerson, RegistryQuestion

HIDDEN: Final = {
    "ehr_sync.adapters.client_credentials:_Token": "value",
    "ehr_sync.adapters.oidc_identity:_Keys": "by_kid",
    "ehr_sync.adapters.registries.gateway:Gateway": "signing caller headers",
    "ehr_sync.adapters.timed_http:Answer": "headers body",
    "ehr_sync.core.answers:HosoResult": "source_id",
    "ehr_sync.core.identity:Claim": "number name birth_date",
    "ehr_sync.core.keys:ServiceKeys": "root index id content audit signing",
    "ehr_sync.core.names:Evidence": "mended differing",
    "ehr_sync.core.ports:RegistryQuestion": "number name birth_date",
    "ehr_sync.core.ports:RegistryPerson": "number name birth_date",
    "ehr_sync.core.ports:Login": "personal_number",
    "ehr_sync.core.record_body:Line": "json",
    "ehr_sync.core.record_body:Body": "resources restricted",
    "ehr_sync.core.review:Letters": "text",
    "ehr_sync.settings:Settings": "dsn key_dsn registry_secret registry_headers book_client_secret",
    "ehr_sync.store.clients:Client": "jwks",
    "ehr_sync.store.identity_claims:NewClaim": "claim",
    "ehr_sync.store.due_claims:TakenClaim": "facts",
    "ehr_sync.store.lanes:Lane": "sent_key row_version",
    "ehr_sync.store.lanes:Intent": "key",
    "ehr_sync.store.people:ProvenFacts": "sealed",
    "ehr_sync.store.records:NewVersion": "body",
    "ehr_sync.store.reviews:ClaimSeen": "facts",
    "ehr_sync.store.submissions:NewPiece": "body",
    "ehr_sync.store.submissions:SubmissionKey": "key wrapped",
    "ehr_sync.store.submissions:Ending": "skeleton answer",
    "ehr_sync.store.submissions:SubmissionRow": "answer",
    "ehr_sync.store.submissions:PieceRow": "wrapped_key body",
    "ehr_sync.usecases.access.authenticate:Signer": "keys",
    "ehr_sync.usecases.access.authenticate:AccessToken": "value",
    "ehr_sync.usecases.book.open_book:ProvenPerson": "claim",
    "ehr_sync.usecases.book.read_book:Page": "resources",
    "ehr_sync.usecases.delivery.compose_bundle:ComposedPush": "bundle key gated",
    "ehr_sync.usecases.delivery.compose_bundle:_Change": "gated other",
    "ehr_sync.usecases.delivery.prepare_pushes:_Book": "person",
    "ehr_sync.usecases.delivery.settle_pushes:Push": "key bundle",
    "ehr_sync.usecases.intake.plan_record:Incoming": "piece",
    "ehr_sync.usecases.intake.write_chunk:NewStep": "packed",
    "ehr_sync.usecases.intake.write_chunk:Refused": "piece",
    "ehr_sync.usecases.desk.answer_questions:Question": "source_id",
    "ehr_sync.usecases.review.look_at_review:Opened": "facts",
    "ehr_sync.usecases.stores:Stores": "keys",
    "ehr_sync.usecases.verification.settle_claim:Settling": "facts",
    "ehr_sync.usecases.verification.verify_due:Asking": "key",
    "mappings.cards:IdentityCard": "number old_number name birth_date address",
    "mappings.cards:InsuranceCard": "number insurance_number name birth_date address",
    "mappings.fhir.bundle:NextWatermark": "key",
    "mappings.formats.json_batch:BatchScan": "files",
    "mappings.gate.checks:Checked": "resource walk",
    "mappings.gate.forms:_Reading": "leaves",
    "mappings.gate.gated:Cut": "rest",
    "mappings.gate.walk:Sample": "resource",
    "mappings.gate.walk:Walk": "references",
    "mappings.model:ClaimedIdentity": "number name birth_date patient_code",
    "mappings.model:Dossier": "source_id tables content_hash",
    "mappings.model:MappingContext": "record_id id_key",
    "mappings.model:Resource": "json",
    "mappings.sources.dossier.visit:Visit": "record_id register encounter start end supply_end told",
    "mappings.sources.dossier.visit:Order": "ordered finished reference",
    "mappings.sources.source:VisitFacts": "patient_code",
}


def shown(place: str) -> set[str]:
    module, _, name = place.partition(":")
    return {field.name for field in fields(getattr(importlib.import_module(module), name)) if field.repr}


def test_p11_no_field_that_could_tell_of_a_person_is_in_a_repr() -> None:
    assert {place: told for place, names in HIDDEN.items() if (told := shown(place) & set(names.split()))} == {}


@pytest.mark.parametrize(
    "value",
    [
        RegistryQuestion("our-call", "099200000001", "cccd", "TRẦN THỊ THỬ", "19900101"),
        RegistryPerson("099200000001", "TRẦN THỊ THỬ", "19900101", "female"),
        Login("subject", "099200000001"),
    ],
)
def test_p11_what_passes_between_us_and_others_tells_nothing_of_a_person(value: Any) -> None:
    assert [told for told in ("099200000001", "THỬ", "1990") if told in repr(value)] == []


def test_an_error_says_its_code_and_nothing_else() -> None:
    assert (str(Refused("book.refused")), Refused("book.refused").code) == ("book.refused", "book.refused")
    assert str(Unavailable("book.no_answer", 3.0)) == "book.no_answer"

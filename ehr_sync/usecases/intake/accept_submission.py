"""Take what a facility sends: say what is wrong with each HOSO, keep the rest, answer when all is committed."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import BinaryIO, cast

from ehr_sync.core.answers import Answer, FileResult, HosoResult, file_result
from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import batch_id
from ehr_sync.core.errors import Conflict
from ehr_sync.core.versions import MadeOnMeans
from ehr_sync.settings import Settings
from ehr_sync.store import audit, clients, refused_dossiers, submissions
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.client_edges import Sending
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.people import number_mark_of
from ehr_sync.store.refused_dossiers import NewRefusal
from ehr_sync.store.sealing import mark
from ehr_sync.store.spool import Reader, Spool
from ehr_sync.store.submissions import Ending
from ehr_sync.usecases.intake import keep_records, skeleton, stored_answer
from ehr_sync.usecases.intake.cut_out import with_parts
from ehr_sync.usecases.intake.keep_records import Chunk, Show, foresee
from ehr_sync.usecases.intake.plan_record import Incoming, told_name
from ehr_sync.usecases.intake.sealed_parts import seal_restricted
from ehr_sync.usecases.intake.skeleton import Skeleton
from ehr_sync.usecases.intake.write_chunk import Batch, Refused
from ehr_sync.usecases.stores import Stores
from mappings.formats import archive, base64_reading, base64_writing, bodies
from mappings.formats.bodies import Place
from mappings.issues.catalogue import by_weight, is_refusal
from mappings.model import Dossier, Issue, MappingContext, Uris
from mappings.sources.catalogue import parts_of, source_of
from mappings.sources.city.source import CITY
from mappings.sources.dossier.reading.envelope import EnvelopeScan, Limits, SourceRefused, scan
from mappings.sources.dossier.reading.hoso import longest_piece
from mappings.sources.foresee import MOST_ROWS_MAPPED, Foreseen
from mappings.sources.foresee import foresee as foresee_fhir
from mappings.sources.source import Source

MediaType = bodies.Shape
Keep = Callable[[Chunk], tuple[HosoResult, ...]]
_CHUNK_BYTES = 8_000_000
_MOST_ISSUES = 20_000
_KINDS = frozenset({"3176", "4750", "130"})  # loaiHoSo of the decrees that are read alike
_ALWAYS_TOLD = 3
_READ_BYTES = 262_144
# One big body per worker at a time: memory is bounded by one, not by how many come at once.
_BIG_BODY = threading.Lock()
# Nor more than one trial: who tries out shall not take the processor from those who send.
_ONE_TRIAL = threading.Lock()
_MOST_SHOWN = 20
_MOST_ROWS_SHOWN = 5_000


def accept_submission(
    *,
    client_id: str,
    body: Reader,
    media_type: MediaType,
    idempotency_key: str | None,
    stores: Stores,
    settings: Settings,
    uris: Uris,
    keep: Keep | None = None,
    kind: str = "",
) -> Answer:
    """The answer to one submission, when everything that it accepts has committed (P1). `keep` keeps a chunk; without
    it each has a transaction of its own. With a `kind` the body is one record of that kind in the city's JSON.

    The same bytes again get the same answer and have no second effect (P2). Raises Conflict where the key was used
    with other bytes, SourceRefused where a request as a whole cannot be read, Unavailable where the database is
    away or the disk is full; the sender may then repeat the same bytes at any time.
    """
    with ExitStack() as stack:
        spool = stack.enter_context(_spool(settings))
        digest = _fill(spool, body)
        if spool.on_disk:
            stack.enter_context(_BIG_BODY)
        submission_id = mark(stores.keys.content, b"submission", client_id.encode(), digest)
        before = _before(stores, client_id, submission_id, idempotency_key)
        if before.replay is not None:
            return before.replay
        keep = keep or partial(keep_records.keep, stores=stores, uris=uris)
        run = _Run(client_id, media_type, submission_id, before, stores, settings, uris, keep, kind=kind)
        return run.accept(cast(BinaryIO, spool))


def check_submission(
    *,
    client_id: str,
    actor: str,
    body: Reader,
    media_type: MediaType,
    stores: Stores,
    settings: Settings,
    uris: Uris,
    with_fhir: bool = False,
    kind: str = "",
) -> Answer:
    """What `accept_submission` would answer now, without a code, as nothing is kept: one audit entry is all that is
    written. Of dossiers in one body that name the same record each is looked at alone. Raises as it does.
    `with_fhir` shows what would become of the first accepted ones, as many as may be shown.
    """
    with ExitStack() as stack:
        spool = stack.enter_context(_spool(settings))
        _fill(spool, body)
        if spool.on_disk:
            stack.enter_context(_BIG_BODY)
        before = _before(stores, client_id, b"", None)
        with stores.database.begin() as connection:
            audit.write(connection, stores.keys.audit, [AuditEntry(actor, "check dossiers")])
        show = _Shown() if with_fhir else None
        run = _Run(client_id, media_type, b"", before, stores, settings, uris, None, show, kind)
        return run.accept(cast(BinaryIO, spool))


@dataclass(frozen=True, slots=True)
class _Before:
    """What stood before this request: who may be sent for, and what the same bytes were answered under the same key."""

    now: datetime
    sending: Mapping[str, Sending]
    replay: Answer | None


def _before(stores: Stores, client_id: str, submission_id: bytes, idempotency_key: str | None) -> _Before:
    now = stores.database.now()
    replay = None
    if idempotency_key is not None:
        _claim(stores, client_id, submission_id, idempotency_key)
        replay = _replay(stores, submission_id)
    with stores.database.reading() as connection:
        sending = clients.sending_for(connection, stores.keys.edges, client_id, vietnam_day(now))
    return _Before(now, sending, replay)


def _replay(stores: Stores, submission_id: bytes) -> Answer | None:
    with stores.database.reading() as connection:
        row = submissions.submission_of(connection, stores.key_store, submission_id)
    answer = stored_answer.decode(row.answer) if row and row.answer else None
    # Only what was accepted is replayed: what was refused may be right by now (a code registered meanwhile).
    return answer if answer and not answer.failed else None


def _claim(stores: Stores, client_id: str, submission_id: bytes, idempotency_key: str) -> None:
    key_mark = mark(stores.keys.content, b"idempotency key", idempotency_key.encode())
    with stores.database.begin() as connection:
        used_by = submissions.claim_idempotency_key(connection, client_id, key_mark, submission_id)
    if used_by != submission_id:
        raise Conflict("idempotency_key.other_content")


def _spool(settings: Settings) -> Spool:
    return Spool(settings.spool_folder, settings.spool_bytes)


def _fill(spool: Spool, body: Reader) -> bytes:
    digest = hashlib.sha256()
    while chunk := body.read(_READ_BYTES):
        digest.update(chunk)
        spool.write(chunk)
    spool.finish()
    return digest.digest()


@dataclass(slots=True)
class _Shown:
    """What of a dry run is shown: an answer is held in memory, and to trace a dossier is to map it a hundred times."""

    _dossiers: int = _MOST_SHOWN
    _rows: int = _MOST_ROWS_SHOWN
    _to_try: int = MOST_ROWS_MAPPED

    def __call__(self, dossier: Dossier, context: MappingContext) -> Foreseen | None:
        rows = sum(map(len, dossier.tables.values()))
        if not self._dossiers or rows > self._rows:
            return None
        with _ONE_TRIAL:
            foreseen = foresee_fhir(dossier, context, self._to_try)
        self._dossiers, self._rows = self._dossiers - 1, self._rows - rows
        self._to_try = max(self._to_try - foreseen.trace.rows_mapped, 0)
        return foreseen


@dataclass(slots=True)
class _Run:
    """One submission on its way through: chunks that fill up and are kept, results by file."""

    client_id: str
    media_type: MediaType
    submission_id: bytes
    before: _Before
    stores: Stores
    settings: Settings
    uris: Uris
    keep: Keep | None  # None: nothing is kept, and what would be is told
    show: Show | None = None
    kind: str = ""  # of the one record that it is; "" where it is dossiers
    _chunk: list[tuple[list[HosoResult | None], int, Incoming]] = field(default_factory=list)
    _chunk_bytes: int = 0
    _chunk_names: set[tuple[str, str]] = field(default_factory=set)
    _refused: list[Refused] = field(default_factory=list)
    _files: list[FileResult | tuple[tuple[Issue, ...], list[HosoResult | None]]] = field(default_factory=list)
    _skeleton: Skeleton = field(default_factory=Skeleton)
    _begun: bool = False
    _issues_told: int = 0
    _for_the_desk: list[NewRefusal] = field(default_factory=list)
    _of_request: tuple[Issue, ...] = ()  # said of each file

    @property
    def _limits(self) -> Limits:
        s = self.settings
        return Limits(s.request_bytes, s.request_dossiers, s.table_rows, s.record_bytes)

    def _source(self, piece: bytes) -> Source:
        return CITY if self.kind else source_of(piece)

    def accept(self, source: BinaryIO) -> Answer:
        if self.kind:
            self._accept_record(source)
        else:
            self._accept_dossiers(source)
        self._keep_chunk(last=True)
        if self._for_the_desk:
            with self.stores.database.begin() as connection:
                refused_dossiers.note(connection, self.stores.key_store, self._for_the_desk, self.before.now)
        return self._answer()

    def _accept_record(self, source: BinaryIO) -> None:
        """The whole body is one piece."""
        whole = EnvelopeScan("", None, None, ((0, cast(Spool, source).size),), signed=False, issues=())
        results: list[HosoResult | None] = [None]
        self._files.append(((), results))
        self._cut(source, whole, results, self._skeleton, lambda at: at)

    def _accept_dossiers(self, source: BinaryIO) -> None:
        size = cast(Spool, source).size
        body = bodies.find_files(source, self.media_type, size, self._limits)
        self._look_at_request(body.loai_ho_so, body.ma_cskcb)
        if body.files == (Place(0, size, in_base64=False),):
            self._accept_file(source, self._skeleton, lambda at: at)
        else:
            self._accept_files(source, body.files)

    def _look_at_request(self, kind: str, facility_code: str) -> None:
        """What a request says beside its files. Raises SourceRefused where it is not the client's own."""
        # As a number it has lost its zero (rules: leading-zeros).
        if facility_code and facility_code.zfill(5) not in self.before.sending:
            raise SourceRefused(Issue("facility.not_yours", "maCSKCB"))
        if kind and kind not in _KINDS:
            self._of_request = (Issue("request.kind_unexpected", "loaiHoSo", ", ".join(sorted(_KINDS))),)

    def _accept_files(self, source: BinaryIO, places: tuple[Place, ...]) -> None:
        end = 0
        for place in places:
            self._skeleton.text(source, end, place.start)
            if place.in_base64:
                self._accept_base64(source, place.start, place.end)
            else:
                self._accept_part(source, place.start, place.end)
            end = place.end
        self._skeleton.text(source, end, cast(Spool, source).size)

    def _accept_part(self, source: BinaryIO, start: int, stop: int) -> None:
        with _spool(self.settings) as part:
            for at in range(start, stop, _READ_BYTES):
                source.seek(at)
                part.write(source.read(min(_READ_BYTES, stop - at)))
            part.finish()
            inner = Skeleton()
            self._accept_file(cast(BinaryIO, part), inner, lambda at: start + at)
            self._skeleton.part(inner)

    def _accept_base64(self, source: BinaryIO, start: int, stop: int) -> None:
        with _spool(self.settings) as decoded:
            inner = Skeleton()
            try:
                base64_reading.decode_file(source, start, stop, cast(BinaryIO, decoded), self._limits)
            except SourceRefused as refused:
                self._refuse_file(refused.issue, start)
                self._skeleton.text(source, start, stop)
                return
            decoded.finish()
            self._accept_file(cast(BinaryIO, decoded), inner, lambda at: start + at * 4 // 3)
            writing = base64_writing.of(source, start, stop, cast(BinaryIO, decoded), decoded.size)
            # Its text is not kept where no writing gives it: what is in it would be under no key of its person's.
            self._skeleton.file(inner, writing)

    def _accept_file(self, source: BinaryIO, around: Skeleton, ordinal: Callable[[int], int]) -> None:
        """`ordinal` says where in the request a byte of the file stands. A piece is known by that place: the same bytes
        sent again may have other dossiers accepted, and counting these would give one dossier another one's bytes.
        """
        try:
            found = scan(source, self._limits)
        except SourceRefused as refused:
            self._refuse_file(refused.issue, ordinal(0))
            around.text(source, 0, cast(Spool, source).size)
            return
        # What stands in a health check says whose it is, and not what its envelope calls the place.
        if found.says_itself or found.facility_code in self.before.sending:
            results: list[HosoResult | None] = [None] * len(found.spans)
            self._files.append(((*found.issues, *self._of_request), results))
            self._cut(source, found, results, around, ordinal)
            return
        not_yours = Issue("facility.not_yours", "GIAMDINHHS.THONGTINDONVI.MACSKCB")
        # What is wrong with the envelope is told too: a blank code is nobody's.
        self._files.append(FileResult("refused", (not_yours, *found.issues), ()))
        # Other files may be accepted; of a request that is refused whole nothing is kept.
        if self.keep and self.media_type != "xml":
            self._cut(source, found, None, around, ordinal)

    def _cut(
        self,
        source: BinaryIO,
        found: EnvelopeScan,
        results: list[HosoResult | None] | None,
        around: Skeleton,
        ordinal: Callable[[int], int],
    ) -> None:
        """Cut a file at each HOSO; `results` is None where it is refused as a whole."""
        end = 0
        for position, (start, stop) in enumerate(found.spans):
            around.text(source, end, start)
            around.piece(ordinal(start))
            end = stop
            source.seek(start)
            piece = source.read(min(stop - start, longest_piece(self._limits) + 1))
            reader = self._source(piece)
            dossier = reader.read(piece, found, position + 1, self._limits)
            if results is None:
                self._refuse(piece, dossier, self._number_mark(dossier, reader), ordinal(start))
            else:
                self._accept_hoso(piece, dossier, reader, results, position, ordinal(start), found.facility_code)
        around.text(source, end, cast(Spool, source).size)

    def _accept_hoso(
        self,
        piece: bytes,
        read: Dossier,
        source: Source,
        results: list[HosoResult | None],
        position: int,
        ordinal: int,
        sender: str,
    ) -> None:
        dossier = self._shortened(source.check(read, self._today))
        # The record belongs to MA_CSKCB of XML1 (rules: whose-record).
        if dossier.facility_code not in self.before.sending:
            dossier = _with_issue(dossier, Issue("facility.not_yours", source.facility_at))
        if self.kind and dossier.tables and self.kind not in dossier.tables:
            dossier = _with_issue(dossier, Issue("form.kind_differs", "/kind", self.kind))
        if any(map(is_refusal, dossier.issues)):
            results[position] = refused = HosoResult(told_name(dossier), "", "refused", dossier.issues)
            if self.keep:
                number_mark = self._number_mark(dossier, source)
                self._tell_desk(refused, dossier, number_mark, ordinal, sender)
                self._refuse(piece, dossier, number_mark, ordinal)
            return
        sending = self.before.sending[dossier.facility_code]
        means = cast(MadeOnMeans, sending.made_on_means)
        packed, cut = self._packed(piece, dossier), parts_of(dossier)
        incoming = Incoming(ordinal, dossier, sending.family, means, packed)
        self._add(results, position, with_parts(incoming, cut))

    def _refuse(self, piece: bytes, dossier: Dossier, number_mark: bytes, ordinal: int) -> None:
        if len(piece) > self.settings.record_bytes * 3 // 2:
            return  # only its place is kept: to pack what can be no dossier would take four times its length in memory
        self._refused.append(Refused(ordinal, number_mark, self._packed(piece, dossier)))
        self._chunk_bytes += len(self._refused[-1].piece)
        if self._is_full():
            self._keep_chunk(last=False)

    def _packed(self, piece: bytes, dossier: Dossier) -> bytes:
        sealed = seal_restricted(piece, dossier, self.stores.keys.restricted, self._limits)
        return pack(archive.pack(sealed), Words.PIECES)

    def _number_mark(self, dossier: Dossier, source: Source) -> bytes:
        number = source.claimed_number(dossier.tables)
        return number_mark_of(self.stores.keys.index, number) if number else b""

    def _refuse_file(self, issue: Issue, ordinal: int) -> None:
        self._files.append(FileResult("refused", (issue,), ()))
        families = {sending.family for sending in self.before.sending.values()}
        # Of a file that nobody can read the sender says whose it was, where that is one place.
        if self.keep and len(families) == 1:
            self._refusal(families.pop(), ordinal, b"", HosoResult("", "", "refused", (issue,)))

    def _tell_desk(self, result: HosoResult, dossier: Dossier, number_mark: bytes, ordinal: int, sender: str) -> None:
        """The place that the dossier names hears of its refusal, else the place that the envelope names, else the one
        that the sender sends for, if it is one.
        """
        named = [self.before.sending[code] for code in (dossier.facility_code, sender) if code in self.before.sending]
        families = {sending.family for sending in named[:1] or self.before.sending.values()}
        if len(families) == 1:
            self._refusal(families.pop(), ordinal, number_mark, result)

    def _refusal(self, family: str, ordinal: int, number_mark: bytes, result: HosoResult) -> None:
        parts = (self.submission_id, ordinal.to_bytes(8, "big"), self._today.isoformat().encode())
        mark_of = mark(self.stores.keys.content, b"refusal", *parts)
        self._for_the_desk.append(NewRefusal(mark_of, family, number_mark, stored_answer.encode_hoso(result)))

    @property
    def _today(self) -> date:
        return vietnam_day(self.before.now)

    def _shortened(self, dossier: Dossier) -> Dossier:
        """Issues beyond the request's budget are left out of the answer, information first and refusals last: who sends
        five thousand wrong dossiers learns nothing from the millionth line.
        """
        self._issues_told += len(dossier.issues)
        if self._issues_told <= _MOST_ISSUES or len(dossier.issues) <= _ALWAYS_TOLD:
            return dossier
        told = by_weight(dossier.issues)[:_ALWAYS_TOLD]
        return dataclasses.replace(dossier, issues=(*told, Issue("answer.shortened")))

    def _add(self, results: list[HosoResult | None], position: int, incoming: Incoming) -> None:
        named = incoming.names
        if not self._chunk_names.isdisjoint(named) or self._is_full():
            self._keep_chunk(last=False)
        self._chunk.append((results, position, incoming))
        self._chunk_names |= named
        self._chunk_bytes += len(incoming.piece) * 4

    def _is_full(self) -> bool:
        waiting = len(self._chunk) + len(self._refused)
        return waiting >= self.settings.chunk_records or self._chunk_bytes >= _CHUNK_BYTES

    def _keep_chunk(self, *, last: bool) -> None:
        if not self._chunk and not self._begun:
            return  # of a submission in which nothing is accepted nothing is kept, and what was refused waits to see
        chunk, self._chunk, self._chunk_bytes = self._chunk, [], 0
        self._chunk_names = set()
        refused, self._refused = self._refused, []
        if self.keep is None:
            incoming, batch = [i for *_, i in chunk], self._batch()
            self._note(chunk, foresee(incoming, batch=batch, stores=self.stores, uris=self.uris, show=self.show))
            return

        def ending(outcomes: tuple[HosoResult, ...]) -> Ending:
            self._note(chunk, outcomes)
            return Ending(skeleton.encode(self._skeleton), stored_answer.encode(self._answer()))

        kept = Chunk([incoming for *_, incoming in chunk], refused, self._batch(), ending if last else None)
        self._note(chunk, self.keep(kept))

    def _batch(self) -> Batch:
        first, self._begun = not self._begun, True
        return Batch(
            submission_id=self.submission_id,
            client_id=self.client_id,
            media_type=self.media_type,
            received_at=self.before.now,
            today=self._today,
            first=first,
            most_tries=self.settings.number_tries,
        )

    @staticmethod
    def _note(chunk: list[tuple[list[HosoResult | None], int, Incoming]], outcomes: tuple[HosoResult, ...]) -> None:
        for (results, position, _), result in zip(chunk, outcomes, strict=True):
            results[position] = result

    def _answer(self) -> Answer:
        files = tuple(
            f if isinstance(f, FileResult) else file_result(f[0], tuple(r for r in f[1] if r is not None))
            for f in self._files
        )
        return Answer(batch_id(self.submission_id) if self.keep else "", files)


def _with_issue(dossier: Dossier, issue: Issue) -> Dossier:
    return dataclasses.replace(dossier, issues=(*dossier.issues, issue))

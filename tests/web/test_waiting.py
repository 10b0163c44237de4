"""Why is my record not here? What waits, why, who can mend it; and who sends at all."""

from __future__ import annotations

from datetime import timedelta

from ehr_sync.sandbox.city.magic import REGISTRY
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, planted
from ehr_sync.sandbox.dossiers.hoso import with_values
from tests.usecases.service import DAY, Running, number_of
from tests.web.browsing import Visitor

INDEX = 701
NUMBER = number_of(INDEX)
VISIT = dossier(701, person_index=INDEX, shape="outpatient", rows=6)
STAY = dossier(704, person_index=INDEX, shape="inpatient", rows=6)
NOBODYS = "Không có hồ sơ nào mang số định danh của bạn đang chờ"


def page(visitor: Visitor, number: str = NUMBER) -> str:
    visitor.sign_in(number)
    return visitor.get("/waiting").text


def test_a_record_whose_name_does_not_fit_says_who_can_mend_it(visitor: Visitor, desk: Running) -> None:
    index = next(index for index, how in REGISTRY.items() if how == "other_name")
    desk.post(dossier(index, person_index=index, shape="outpatient", rows=6))
    desk.settle()
    text = page(visitor, number_of(index))
    assert "không cùng khớp với một người" in text
    assert "công an xã" in text
    assert "Bệnh viện mẫu" in text


def test_before_the_registry_was_asked_the_record_is_being_verified(visitor: Visitor, desk: Running) -> None:
    desk.post(VISIT)
    assert "Đang hỏi cơ sở dữ liệu quốc gia về dân cư" in page(visitor)
    desk.settle()
    assert NOBODYS in page(visitor)


def test_an_open_visit_waits_for_its_end(visitor: Visitor, desk: Running) -> None:
    desk.post(with_values(STAY, "XML1", NGAY_RA="", KET_QUA_DTRI="", MA_LOAI_RV=""))
    desk.settle()
    assert "Đợt khám chưa kết thúc" in page(visitor)


def test_two_versions_of_one_day_wait_for_the_facility_to_choose(visitor: Visitor, desk: Running) -> None:
    desk.post(VISIT)
    desk.post(corrected(VISIT, 1), made_on=DAY - timedelta(days=1))
    desk.settle()
    assert desk.rows("SELECT count(*) FROM record_version WHERE state = 'order_unclear'")[0][0] == 1
    assert "chưa rõ bản nào mới nhất" in page(visitor)


def test_a_book_that_the_app_has_not_got_yet_says_so(visitor: Visitor, desk: Running) -> None:
    desk.post(VISIT)
    desk.verify()
    assert "đang được cập nhật" in page(visitor)
    desk.settle()
    assert "đang được cập nhật" not in page(visitor)


def test_p9_a_withheld_record_that_waits_leaves_no_sign(visitor: Visitor, desk: Running) -> None:
    desk.post(planted(VISIT, "icd_main"))
    assert NOBODYS in page(visitor)
    desk.settle()
    assert NOBODYS in page(visitor)


def test_it_says_who_sends_and_when_they_last_did(visitor: Visitor, desk: Running) -> None:
    assert "chưa gửi gì" in page(visitor)
    desk.post(VISIT)
    assert "chưa gửi gì" not in page(visitor)

"""Which of a sender's tags may be repeated: one that a decree could have. Any other could hold a person's data."""

from __future__ import annotations

import re
from typing import Final

UNSHOWN: Final = "?"

# As in QĐ 130, 4750, 3176: words of capitals, never three digits in a row.
_DECREE_TAG: Final = re.compile(r"(?!.*[0-9]{3})[A-Z][A-Z0-9_]{1,39}")
# A tag that begins as people's names do, or has one inside, unless a decree begins so too.
_NAME: Final = re.compile(
    r"(?:NGUYEN|HOANG|HUYNH|TRUONG|QUACH)|.*_(?:NGUYEN|TRAN|LE|PHAM|HOANG|HUYNH|PHAN|VU|VO|DANG|BUI|DO|HO|NGO)_(?:THI|VAN)_"
    r"|(?:TRAN|LE|PHAM|PHAN|VU|VO|DANG|BUI|DO|HO|NGO|DUONG|LY|DINH|DOAN|TRINH|LAM|MAI|DAO|CAO|HA|TA|LUU|LUONG|THAI|CHAU|TO"
    r"|LA|TONG|KIEU|VI|NONG|GIANG|LO|LU|QUANG|THACH|TANG|TIEU|PHUNG|TU|VAN|NINH|MAC|CON|BE)_"
)
_NO_NAME: Final = re.compile(
    r"NGUYEN_?NHAN|DANG_(?:BAO|HUONG|KHUYET)|DUONG_DUNG|HO_(?:TEN|SO)(?:_|$)|LY_DO(?:_|$)|PHAM_VI|PHAN_LOAI|TONG_(?:TYLE|CHI|TIEN)"
    r"|TU_NGAY|VI_TRI|LUU_TRU|DO_(?:TUOI|DAI)|LA_(?:CAP|BHYT)"
)


def shown(tag: str) -> str:
    """The tag as it may stand in an answer, or "?"."""
    if not _DECREE_TAG.fullmatch(tag):
        return UNSHOWN
    return UNSHOWN if _NAME.match(tag) and not _NO_NAME.match(tag) else tag

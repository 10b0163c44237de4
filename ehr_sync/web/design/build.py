"""python -m ehr_sync.web.design.build: what browsers fetch beside pages, and the translations, made ready to serve.

Bootstrap's stylesheet as Bootstrap-Flask ships it and our own, under names that hold a hash of their bytes, each also
compressed (.gz, .br) by WhiteNoise's own compressor; translations compiled. All into `ehr_sync/web/built`.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from whitenoise.compress import Compressor

from ehr_sync.core.errors import Misconfigured

BUILT: Final = Path(__file__).resolve().parents[1] / "built"
_HERE: Final = Path(__file__).resolve().parent
_MANIFEST: Final = BUILT / "manifest.json"


def build() -> None:
    """Make everything anew, unless what is there was made of the same."""
    sources, catalogues = _sources(), _catalogues()
    digest = hashlib.sha256(repr(sorted([*sources.items(), *catalogues.items()])).encode()).hexdigest()
    if _MANIFEST.is_file() and json.loads(_MANIFEST.read_text()).get("made_of") == digest:
        return
    with TemporaryDirectory(dir=BUILT.parent, prefix="built-") as folder:
        made = Path(folder) / BUILT.name
        named = _static(made / "static", sources)
        _translations(made / "translations", catalogues)
        (made / _MANIFEST.name).write_text(json.dumps({"made_of": digest, "names": named}))
        shutil.rmtree(BUILT, ignore_errors=True)
        made.rename(BUILT)


def names() -> dict[str, str]:
    """Under which name each file is served. Raises Misconfigured where `make` has not built them."""
    try:
        found: dict[str, str] = json.loads(_MANIFEST.read_text())["names"]
    except OSError:
        raise Misconfigured("Build the pages first: python -m ehr_sync.web.design.build (make does it).") from None
    return found


def _static(folder: Path, sources: dict[str, bytes]) -> dict[str, str]:
    folder.mkdir(parents=True)
    compressor, named = Compressor(quiet=True), {}
    for name, content in sources.items():
        stem, _, suffix = name.rpartition(".")
        file = folder / f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
        file.write_bytes(content)
        compressor.compress(str(file))
        named[name] = file.name
    return named


def _translations(folder: Path, catalogues: dict[str, bytes]) -> None:
    for language, po in catalogues.items():
        place = folder / language / "LC_MESSAGES"
        place.mkdir(parents=True)
        with (place / "messages.mo").open("wb") as out:
            write_mo(out, read_po(io.BytesIO(po)))


def _catalogues() -> dict[str, bytes]:
    return {po.parents[1].name: po.read_bytes() for po in sorted((_HERE / "translations").glob("*/LC_MESSAGES/*.po"))}


def _sources() -> dict[str, bytes]:
    shipped = find_spec("flask_bootstrap")
    assert shipped is not None
    assert shipped.origin is not None
    bootstrap = Path(shipped.origin).parent / "static" / "bootstrap5" / "css" / "bootstrap.min.css"
    # The comment at its end names a map that is not served.
    sheet = bootstrap.read_bytes().rpartition(b"/*# sourceMappingURL")[0]
    own = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}
    return {"bootstrap.css": sheet, **own}


if __name__ == "__main__":
    build()

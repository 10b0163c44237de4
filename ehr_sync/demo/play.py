"""Plays the stories over HTTP and watches, by the life lines that a hospital sees, how each one ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ehr_sync.demo.cast import Ending, Story
from ehr_sync.demo.hospital import Hospital

SETTLE_SECONDS: Final = 60.0

Wait = Callable[[Callable[[], bool], float], bool]
"""Asks again and again until yes, or until so many seconds have passed."""


@dataclass(slots=True)
class Played:
    """A story as it went so far. `ending` is "" until there is one; `why` is the service's own word for it."""

    story: Story
    transaction: str = ""
    ending: str = ""
    why: str = ""

    @property
    def as_told(self) -> bool:
        """Whether it ended as it must."""
        return self.ending == self.story.ending and self.story.reason in {"", self.why}


def play(
    stories: list[Story], hospitals: Mapping[str, Hospital], *, step: Callable[[], None], wait: Wait
) -> list[Played]:
    """How each story ended. `step` is called twice a story: when it is sent, and when its ending is known."""
    played = []
    for story in stories:
        played.append(_sent(story, hospitals[story.facility]))
        step()
    _settle(played, hospitals, step=step, wait=wait)
    return played


def _sent(story: Story, hospital: Hospital) -> Played:
    answer = hospital.send(story.body)
    (file,) = answer["fileResults"]
    dossiers = file["hoSo"]
    issues = [*file["issues"], *(issue for dossier in dossiers for issue in dossier["issues"])]
    if answer["totalFailed"]:
        refusals = [issue["code"] for issue in issues if issue["severity"] == "refused"]
        return Played(story, ending="refused", why=refusals[0] if refusals else "no reason")
    return Played(story, transaction=dossiers[0]["maGiaoDich"])


def _settle(played: list[Played], hospitals: Mapping[str, Hospital], *, step: Callable[[], None], wait: Wait) -> None:
    waiting = [one for one in played if one.transaction]
    for _ in range(len(played) - len(waiting)):
        step()
    # What must still be asking when all else is done is looked at last.
    lasting = [one for one in waiting if one.story.ending == "asking again"]
    for group in ([one for one in waiting if one not in lasting], lasting):
        wait(partial(_look, group, hospitals, step), SETTLE_SECONDS)


def _look(left: list[Played], hospitals: Mapping[str, Hospital], step: Callable[[], None]) -> bool:
    for one in list(left):
        one.ending, one.why = ending_of(hospitals[one.story.facility].follow(one.transaction))
        if one.as_told:
            left.remove(one)
            step()
    return not left


_ENDINGS: Final[Mapping[tuple[str, str], Ending]] = {
    ("delivered", "nothing"): "delivered",
    ("superseded", "nothing"): "replaced",
    ("kept", "nothing"): "withheld",
    ("held", "identity_correction"): "not proven",
    ("held", "review"): "review",
    ("held", "personal_number"): "no number",
    ("verifying", "registry"): "asking again",
    ("refused_by_book", "operator"): "parked",
}


_SPEAK_FOR_THEMSELVES: Final = frozenset({"delivered", "replaced", "withheld"})


def ending_of(life_line: Mapping[str, Any]) -> tuple[str, str]:
    """How the story of one dossier stands, "" where it goes on, and the service's own word for why."""
    reasons = [step["reason"] for step in life_line["steps"] if step.get("reason")]
    ending = _ENDINGS.get((life_line["state"], life_line["next"]), "")
    return ending, reasons[-1] if reasons and ending not in _SPEAK_FOR_THEMSELVES else ""

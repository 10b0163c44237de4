"""What the gate says about a resource: where and which rule, never the value."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    `code` is `<family>.<rule>` of ours (`binding.required`), or the key of a FHIR invariant (`obs-6`).
    `path` is a FHIRPath from the resource's type with 0-based indices (`Observation.component[2].code`);
    names that are no FHIR element show as `?`, because a sender can write anything there.
    `detail` names the rule (value set, type, invariant's text), never what was sent.
    """

    code: str
    path: str
    detail: str = ""

    def below(self, prefix: str) -> Finding:
        """The same finding, its path taken to start at `prefix`."""
        return replace(self, path=f"{prefix}.{self.path}" if self.path else prefix)

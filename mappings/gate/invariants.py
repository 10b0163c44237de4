"""The invariants of FHIR R4 that the gate checks, by type, under the keys of the definitions (`obs-6`).

Each is a reading of the FHIRPath rule of that key, with its text in r4.json; severity `error` only.
https://hl7.org/fhir/R4/conformance-rules.html#constraints. A rule may trust that its node is well formed.
ref-1 and dom-3, about a whole resource, are in local_references.py; html is in narrative.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from mappings.gate.narrative import is_basic_html

Json = Mapping[str, Any]
Holds = Callable[[Json], bool]


class Rule(NamedTuple):
    key: str
    holds: Holds
    by_names: bool = False  # the names that a node has decide it, whatever their values
    given: str = ""  # it can break only where this element is there
    text: str = ""  # filled in from the table


UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def _by_names(key: str, holds: Holds) -> Rule:
    return Rule(key, holds, by_names=True)


def _any_of(*names: str) -> Holds:
    return lambda node: any(name in node for name in names)


def _not_both(one: str, other: str) -> Holds:
    return lambda node: one not in node or other not in node


def _needs(name: str, needed: str) -> Holds:
    return lambda node: name not in node or needed in node


def _has(node: Json, stem: str) -> bool:
    """Whether a choice (`value` for `value[x]`) is there."""
    size = len(stem)
    return any(name[:size] == stem and name[size : size + 1].isupper() for name in node)


def _codes(concept: Json | None, system: str) -> set[str]:
    codings = (concept or {}).get("coding", ())
    return {each.get("code", "") for each in codings if each.get("system") == _TERMINOLOGY + system}


def _distinct(values: Iterable[object]) -> bool:
    seen = list(values)
    return len(seen) == len(set(seen))


def _in_order(start: str, end: str) -> bool:
    """False only where both are known to the precision that tells; an unknown order is no finding."""
    if "T" in start and "T" in end:
        if start[19:] == end[19:]:
            return start <= end
        try:
            return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
        except ValueError:  # a leap second
            return start[:16] <= end[:16]
    known = min(len(start), len(end), 10)
    return start[:known] <= end[:known]


def _period_in_order(node: Json) -> bool:
    start, end = node.get("start"), node.get("end")
    return start is None or end is None or _in_order(start, end)


def _range_in_order(node: Json) -> bool:
    low, high = node.get("low", {}), node.get("high", {})
    if "value" not in low or "value" not in high:
        return True
    same_unit = all(low.get(name) == high.get(name) for name in ("system", "code", "unit"))
    return not same_unit or low["value"] <= high["value"]


def _ratio_is_whole(node: Json) -> bool:
    numerator, denominator = "numerator" in node, "denominator" in node
    return numerator == denominator and (numerator or "extension" in node)


def _is_ucum_measure(node: Json) -> bool:
    return ("code" in node or "value" not in node) and node.get("system", UCUM) == UCUM


def _is_age(node: Json) -> bool:
    return _is_ucum_measure(node) and node.get("value", 1) > 0


def _is_count(node: Json) -> bool:
    return _is_ucum_measure(node) and node.get("code", "1") == "1" and float(node.get("value", 0)).is_integer()


def _is_money(node: Json) -> bool:
    money = "urn:iso:std:iso:4217"
    return ("code" in node or "value" not in node) and node.get("system", money) == money


def _is_duration(node: Json) -> bool:
    return "code" not in node or (node.get("system") == UCUM and "value" in node)


def _extension_has_one_content(node: Json) -> bool:
    return ("extension" in node) != (_has(node, "value") or _has(node, "_value"))


def _offset_has_event(node: Json) -> bool:
    return "offset" not in node or ("when" in node and not {"C", "CM", "CD", "CV"} & set(node["when"]))


def _filter_has_one_target(node: Json) -> bool:
    return ("path" in node) != ("searchParam" in node)


def _named_trigger_is_whole(node: Json) -> bool:
    kind = node.get("type", "")
    if kind == "named-event":
        return "name" in node
    if kind == "periodic":
        return _has(node, "timing")
    return not kind.startswith("data-") or "data" in node


def _contained_is_plain(name: str) -> Holds:
    return lambda node: not any(name in each for each in node.get("contained", ()))


def _contained_has_no_version(node: Json) -> bool:
    metas = [each.get("meta", {}) for each in node.get("contained", ())]
    return not any("versionId" in meta or "lastUpdated" in meta for meta in metas)


def _contained_has_no_label(node: Json) -> bool:
    return not any("security" in each.get("meta", {}) for each in node.get("contained", ()))


def _component_repeats_no_code(node: Json) -> bool:
    if not _has(node, "value"):
        return True
    own = _coding_keys(node.get("code", {}))
    return not any(own & _coding_keys(each.get("code", {})) for each in node.get("component", ()))


def _coding_keys(concept: Json) -> set[tuple[object, ...]]:
    names = ("system", "version", "code", "display", "userSelected")
    return {tuple(each.get(name) for name in names) for each in concept.get("coding", ())}


def _abated_is_not_active(node: Json) -> bool:
    ended = {"resolved", "remission", "inactive"}
    return not _has(node, "abatement") or bool(ended & _codes(node.get("clinicalStatus"), "condition-clinical"))


def _wrong_condition_has_no_status(node: Json) -> bool:
    wrong = "entered-in-error" in _codes(node.get("verificationStatus"), "condition-ver-status")
    return not wrong or "clinicalStatus" not in node


def _is_wrong_allergy(node: Json) -> bool:
    return "entered-in-error" in _codes(node.get("verificationStatus"), "allergyintolerance-verification")


def _appointment_has_times(node: Json) -> bool:
    timed = "start" in node and "end" in node
    return timed or node.get("status") in ("proposed", "cancelled", "waitlist")


def _only_cancelled_has_reason(node: Json) -> bool:
    return "cancelationReason" not in node or node.get("status") in ("noshow", "cancelled")


def _none_at_home(name: str) -> Holds:
    return lambda node: all(each.get("use") != "home" for each in node.get(name, ()))


def _parameter_has_one_content(node: Json) -> bool:
    return ("part" in node) + _has(node, "value") + ("resource" in node) == 1


def _handed_over_after_prepared(node: Json) -> bool:
    prepared, handed = node.get("whenPrepared"), node.get("whenHandedOver")
    return prepared is None or handed is None or _in_order(prepared, handed)


def _changed_after_authored(node: Json) -> bool:
    authored, changed = node.get("authoredOn"), node.get("lastModified")
    return authored is None or changed is None or _in_order(authored, changed)


def _list_entries_fit(name: str, mode: str) -> Holds:
    return lambda node: node.get("mode") == mode or not any(name in each for each in node.get("entry", ()))


def _sent_by(*types: str) -> Callable[[Json], bool]:
    return lambda node: node.get("type") in types


_is_search = _sent_by("searchset")
_is_document = _sent_by("document")
_has_requests = _sent_by("batch", "transaction", "history")
_has_responses = _sent_by("batch-response", "transaction-response", "history")


def _entries(node: Json) -> list[Json]:
    return list(node.get("entry", ()))


def _full_urls_are_distinct(node: Json) -> bool:
    if node.get("type") == "history":
        return True
    return _distinct(
        (each["fullUrl"], each.get("resource", {}).get("meta", {}).get("versionId"))
        for each in _entries(node)
        if "fullUrl" in each
    )


def _first_is(kind: str, of: str) -> Holds:
    def holds(node: Json) -> bool:
        entries = _entries(node)
        first = entries[0].get("resource", {}).get("resourceType") if entries else None
        return node.get("type") != kind or first == of

    return holds


def _document_is_identified(node: Json) -> bool:
    identifier = node.get("identifier", {})
    return not _is_document(node) or ("system" in identifier and "value" in identifier)


def _instance_is_described(node: Json) -> bool:
    return node.get("kind") != "instance" or "implementation" in node


def _capability_is_described(node: Json) -> bool:
    return node.get("kind") != "capability" or ("implementation" not in node and "software" in node)


def _requirements_are_bare(node: Json) -> bool:
    return node.get("kind") != "requirements" or not ("implementation" in node or "software" in node)


def _messaging_end_points_are_real(node: Json) -> bool:
    return node.get("kind") == "instance" or not any("endpoint" in each for each in node.get("messaging", ()))


# A resource that may contain others: every one but Binary, Bundle and Parameters.
DOMAIN_RESOURCE: tuple[Rule, ...] = (
    Rule("dom-2", _contained_is_plain("contained"), given="contained"),
    Rule("dom-4", _contained_has_no_version, given="contained"),
    Rule("dom-5", _contained_has_no_label, given="contained"),
)
_QUANTITY: tuple[Rule, ...] = (_by_names("qty-3", _needs("code", "system")),)

INVARIANTS: dict[str, tuple[Rule, ...]] = {
    # Data types
    "Age": (*_QUANTITY, Rule("age-1", _is_age)),
    "Attachment": (_by_names("att-1", _needs("data", "contentType")),),
    "ContactPoint": (_by_names("cpt-2", _needs("value", "system")),),
    "Count": (*_QUANTITY, Rule("cnt-3", _is_count)),
    "DataRequirement.codeFilter": (_by_names("drq-1", _filter_has_one_target),),
    "DataRequirement.dateFilter": (Rule("drq-2", _filter_has_one_target),),
    "Distance": (*_QUANTITY, Rule("dis-1", _is_ucum_measure)),
    "Duration": (*_QUANTITY, Rule("drt-1", _is_duration)),
    "Expression": (_by_names("exp-1", _any_of("expression", "reference")),),
    "Extension": (_by_names("ext-1", _extension_has_one_content),),
    "MoneyQuantity": (*_QUANTITY, Rule("mqty-1", _is_money)),
    "Narrative": (Rule("txt-1", lambda node: is_basic_html(node.get("div", ""))),),
    "Period": (Rule("per-1", _period_in_order, given="end"),),
    "Quantity": _QUANTITY,
    "Range": (Rule("rng-2", _range_in_order),),
    "Ratio": (_by_names("rat-1", _ratio_is_whole),),
    "SimpleQuantity": (*_QUANTITY, _by_names("sqty-1", lambda node: "comparator" not in node)),
    "Timing.repeat": (
        _by_names("tim-1", _needs("duration", "durationUnit")),
        _by_names("tim-2", _needs("period", "periodUnit")),
        Rule("tim-4", lambda node: node.get("duration", 0) >= 0),
        Rule("tim-5", lambda node: node.get("period", 0) >= 0),
        _by_names("tim-6", _needs("periodMax", "period")),
        _by_names("tim-7", _needs("durationMax", "duration")),
        _by_names("tim-8", _needs("countMax", "count")),
        Rule("tim-9", _offset_has_event),
        _by_names("tim-10", _not_both("timeOfDay", "when")),
    ),
    "TriggerDefinition": (
        _by_names("trd-1", lambda node: "data" not in node or not _has(node, "timing")),
        _by_names("trd-2", _needs("condition", "data")),
        Rule("trd-3", _named_trigger_is_whole),
    ),
    # Resources
    "AllergyIntolerance": (
        Rule("ait-1", lambda node: _is_wrong_allergy(node) or "clinicalStatus" in node),
        Rule("ait-2", lambda node: not _is_wrong_allergy(node) or "clinicalStatus" not in node),
    ),
    "Appointment": (
        _by_names("app-2", lambda node: ("start" in node) == ("end" in node)),
        Rule("app-3", _appointment_has_times),
        Rule("app-4", _only_cancelled_has_reason, given="cancelationReason"),
    ),
    "Appointment.participant": (_by_names("app-1", _any_of("type", "actor")),),
    "AuditEvent.entity": (_by_names("sev-1", _not_both("name", "query")),),
    "Bundle": (
        Rule("bdl-1", lambda node: "total" not in node or node.get("type") in ("searchset", "history")),
        Rule("bdl-2", lambda node: _is_search(node) or not any("search" in each for each in _entries(node))),
        Rule("bdl-3", lambda node: all(("request" in each) == _has_requests(node) for each in _entries(node))),
        Rule("bdl-4", lambda node: all(("response" in each) == _has_responses(node) for each in _entries(node))),
        Rule("bdl-7", _full_urls_are_distinct),
        Rule("bdl-9", _document_is_identified),
        Rule("bdl-10", lambda node: not _is_document(node) or "timestamp" in node),
        Rule("bdl-11", _first_is("document", "Composition")),
        Rule("bdl-12", _first_is("message", "MessageHeader")),
    ),
    "Bundle.entry": (
        _by_names("bdl-5", _any_of("resource", "request", "response")),
        Rule("bdl-8", lambda node: "/_history/" not in node.get("fullUrl", "")),
    ),
    "CapabilityStatement": (
        _by_names("cpb-1", _any_of("rest", "messaging", "document")),
        _by_names("cpb-2", _any_of("description", "software", "implementation")),
        Rule("cpb-3", _messaging_end_points_are_real),
        Rule(
            "cpb-7",
            lambda node: _distinct((each["profile"], each["mode"]) for each in node.get("document", ())),
        ),
        Rule("cpb-14", _instance_is_described),
        Rule("cpb-15", _capability_is_described),
        Rule("cpb-16", _requirements_are_bare),
    ),
    "CapabilityStatement.rest": (
        Rule("cpb-9", lambda node: _distinct(each["type"] for each in node.get("resource", ()))),
    ),
    "CapabilityStatement.rest.resource": (
        Rule("cpb-12", lambda node: _distinct(each["name"] for each in node.get("searchParam", ()))),
    ),
    "CarePlan.activity": (_by_names("cpl-3", _not_both("detail", "reference")),),
    "Composition.section": (
        _by_names("cmp-1", _any_of("text", "entry", "section")),
        _by_names("cmp-2", _not_both("emptyReason", "entry")),
    ),
    "Condition": (
        Rule("con-4", _abated_is_not_active),
        Rule("con-5", _wrong_condition_has_no_status, given="verificationStatus"),
    ),
    "Condition.evidence": (_by_names("con-2", _any_of("code", "detail")),),
    "Condition.stage": (_by_names("con-1", _any_of("summary", "assessment")),),
    "Consent": (_by_names("ppc-1", _any_of("policy", "policyRule")),),
    "FamilyMemberHistory": (
        _by_names("fhs-1", lambda node: not (_has(node, "age") and _has(node, "born"))),
        _by_names("fhs-2", lambda node: "estimatedAge" not in node or _has(node, "age")),
    ),
    "Goal.target": (_by_names("gol-1", lambda node: not _has(node, "detail") or "measure" in node),),
    "Group": (Rule("grp-1", lambda node: "member" not in node or node.get("actual") is True),),
    "Immunization.education": (_by_names("imm-1", _any_of("documentType", "reference")),),
    "List": (
        _by_names("lst-1", _not_both("emptyReason", "entry")),
        Rule("lst-2", _list_entries_fit("deleted", "changes")),
        Rule("lst-3", _list_entries_fit("date", "working")),
    ),
    "MedicationAdministration.dosage": (_by_names("mad-1", lambda node: "dose" in node or _has(node, "rate")),),
    "MedicationDispense": (Rule("mdd-1", _handed_over_after_prepared),),
    "Observation": (
        _by_names("obs-6", lambda node: "dataAbsentReason" not in node or not _has(node, "value")),
        Rule("obs-7", _component_repeats_no_code, given="component"),
    ),
    "Observation.referenceRange": (_by_names("obs-3", _any_of("low", "high", "text")),),
    "Organization": (
        _by_names("org-1", _any_of("identifier", "name")),
        Rule("org-2", _none_at_home("address"), given="address"),
        Rule("org-3", _none_at_home("telecom"), given="telecom"),
    ),
    "Parameters.parameter": (_by_names("inv-1", _parameter_has_one_content),),
    "Patient.contact": (_by_names("pat-1", _any_of("name", "telecom", "address", "organization")),),
    "QuestionnaireResponse.item": (_by_names("qrs-1", _not_both("answer", "item")),),
    "ServiceRequest": (_by_names("prr-1", _needs("orderDetail", "code")),),
    "Task": (Rule("inv-1", _changed_after_authored),),
}

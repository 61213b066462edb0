"""What the plan's terms are called on pages and in letters; translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scheduling.model import Change, Feature, Outcome, Part, Status, Way
from web.sign_in import StaffRole
from web.translations import N_


@dataclass(frozen=True, slots=True)
class WayWords:
    """A way's name, the name of its icon, and what it means for the claimant."""

    name: str
    icon: str
    meaning: str


WAYS: Mapping[Way, WayWords] = {
    Way.IN_PERSON: WayWords(
        N_("In person"),
        "building",
        N_("You come to us. We sit together and go through your documents."),
    ),
    Way.VIDEO: WayWords(
        N_("By video"),
        "video",
        N_("We see each other on your phone, tablet or computer. You need a browser, no app."),
    ),
    Way.BRANCH_VIDEO: WayWords(
        N_("By video from a branch"),
        "screen",
        N_("You come to a branch near you. We give you a room and a tablet for the video call."),
    ),
    Way.PHONE: WayWords(
        N_("By phone"),
        "phone",
        N_("We call you at the time you choose. Please give us your number in the next steps."),
    ),
}

STATUSES: Mapping[Status, str] = {
    Status.BOOKED: N_("booked"),
    Status.CANCELLED: N_("cancelled"),
    Status.ENDED: N_("over"),
}

CHANGES: Mapping[Change, str] = {
    Change.BOOKED: N_("Appointment booked"),
    Change.MOVED: N_("Moved to another time"),
    Change.SHIFTED: N_("Changed to another way"),
    Change.REASSIGNED: N_("Given to somebody else"),
    Change.CANCELLED: N_("Appointment cancelled"),
    Change.LINK_ADDED: N_("Link for another person added"),
    Change.COLLEAGUE_JOINED: N_("A colleague takes part"),
    Change.COLLEAGUE_LEFT: N_("A colleague takes part no longer"),
    Change.MARKED: N_("Noted what became of it"),
    Change.ENDED: N_("Consultation ended"),
    Change.DELETED: N_("Personal data deleted"),
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.HELD: N_("took place"),
    Outcome.MISSED: N_("did not come"),
    Outcome.FAILED: N_("connection failed"),
}

PARTS: Mapping[Part, str] = {
    Part.CLAIMANT: N_("Claimant"),
    Part.COMPANION: N_("Companion"),
    Part.INTERPRETER: N_("Interpreter"),
}

ROLES: Mapping[StaffRole, str] = {
    StaffRole.CASEWORKER: N_("Caseworker"),
    StaffRole.RECEPTION: N_("Reception"),
    StaffRole.SCHEDULER: N_("Scheduler"),
    StaffRole.ADMIN: N_("Administrator"),
}


@dataclass(frozen=True, slots=True)
class FeatureWords:
    """What somebody can need of a room: as a form asks, in short with an icon, and if missing."""

    asked: str
    short: str
    icon: str
    none: str
    none_here: str
    none_now: str
    hint: str = ""


NEEDED: Mapping[str, FeatureWords] = {
    Feature.STEP_FREE: FeatureWords(
        N_("A room without steps"),
        N_("step-free"),
        "step_free",
        N_("No step-free room"),
        N_("No step-free room at this site"),
        N_("No step-free room at this time"),
    ),
    Feature.HEARING_LOOP: FeatureWords(
        N_("A room with a hearing loop"),
        N_("hearing loop"),
        "hearing_loop",
        N_("No room with a hearing loop"),
        N_("No room with a hearing loop at this site"),
        N_("No room with a hearing loop at this time"),
        N_("It carries what is said into your hearing aid."),
    ),
}


FEATURES: Mapping[str, str] = {
    "step_free": N_("Step-free"),
    "hearing_loop": N_("Hearing loop"),
    "adjustable_table": N_("Height-adjustable table"),
    "quiet": N_("Quiet and without distraction"),
}
"""What rooms and counters can have; others that are stored stay and are shown as they are."""


def none_here(features: Sequence[str]) -> str:
    """Return the words for a site of which no room has those features."""
    if len(features) == 1:
        return NEEDED[features[0]].none_here
    return N_("No room with all that is needed at this site")


def none_now(features: Sequence[str], *, interpreter: bool) -> str:
    """Return the words for a time at which what is needed is taken."""
    if len(features) + interpreter > 1:
        return N_("Not all that you need is free at this time")
    return NEEDED[features[0]].none_now if features else N_("No interpreter at this time")


INTERPRETED: Mapping[str, str] = {
    "ar": "العربية", "bg": "български", "en": "English", "es": "español", "fa": "فارسی",
    "fr": "français", "it": "italiano", "ku": "kurdî", "pl": "polski", "ps": "پښتو",
    "ro": "română", "ru": "русский", "so": "Soomaali", "sq": "shqip", "sr": "српски",
    "ti": "ትግርኛ", "tr": "Türkçe", "uk": "українська", "vi": "Tiếng Việt",
}  # fmt: skip
"""Languages that can be asked for, ISO 639-1, and what their speakers call them."""

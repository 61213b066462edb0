"""What the plan's terms are called on pages and in letters; translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduling.model import Change, Outcome, Part, Status, Way
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

INTERPRETED = (
    "ar", "bg", "en", "es", "fa", "fr", "it", "ku", "pl", "ps", "ro", "ru", "so", "sq", "sr",
    "ti", "tr", "uk", "vi",
)  # fmt: skip
"""Languages that can be asked for, ISO 639-1; each is named in the language of the page."""

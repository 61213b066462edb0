"""What the demo office consists of: sites, topics, people, rooms and devices.

An invented office, sized like a real one. `scheduling.demo` brings it into a store.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduling.model import Kind, Text, TopicWay, Way

HOME = (Way.VIDEO, Way.PHONE)
"""Ways of hours that are worked from home."""

MON, TUE, WED, THU, FRI = range(5)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours: `days` 0 is Monday, times as ``"08:30"``; no `ways` means all."""

    days: tuple[int, ...]
    start: str
    end: str
    ways: tuple[Way, ...] = ()
    every_weeks: int = 1


@dataclass(frozen=True, slots=True)
class Caseworker:
    """A caseworker with a sign-in."""

    name: str
    login: str
    site: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    hours: tuple[Hours, ...]
    camera: bool = True
    """Whether they have one of their own."""


@dataclass(frozen=True, slots=True)
class DemoTopic:
    """A topic as the booking page words it."""

    key: str
    skill: str
    title: Text
    official_name: Text
    explanation: Text
    bring: Text
    ways: tuple[TopicWay, ...]
    in_groups: bool = False


def _ways(
    person: int = 0, video: int = 0, phone: int = 0, *, branch: bool = False
) -> tuple[TopicWay, ...]:
    offered = []
    if person:
        # In person from tomorrow on; booking until midnight opens the next day.
        offered.append(TopicWay(Way.IN_PERSON, person, 5, notice_minutes=0, earliest_day=1))
    if video:
        offered.append(TopicWay(Way.VIDEO, video, 5, notice_minutes=30))
    if branch:
        # Somebody has to prepare the room and the tablet.
        offered.append(TopicWay(Way.BRANCH_VIDEO, video, 5, notice_minutes=120))
    if phone:
        offered.append(TopicWay(Way.PHONE, phone, 5, notice_minutes=60))
    return tuple(offered)


SITES = (
    # key, name, address, phone, federal state
    ("haupthaus", "Jobcenter Musterstadt, Haupthaus", "Rathausplatz 1, 12345 Musterstadt",
     "+49 30 23125 100", "NW"),
    ("seedorf", "Zweigstelle Seedorf", "Am Bahnhof 4, 12347 Seedorf",
     "+49 30 23125 200", "NW"),
    ("talheim", "Zweigstelle Talheim", "Mühlenstraße 18, 12349 Talheim",
     "+49 30 23125 300", "NW"),
)  # fmt: skip

GROUP_ROOM = "Veranstaltungsraum (Erdgeschoss)"
GROUP_SEATS = 12

ROOMS = (
    # site, kind, name, features
    *(("haupthaus", Kind.ROOM, f"Zimmer {100 + n}", ()) for n in range(1, 5)),
    ("haupthaus", Kind.ROOM, "Zimmer 001 (Erdgeschoss)", ("step_free", "hearing_loop")),
    ("haupthaus", Kind.ROOM, "Zimmer 002 (Erdgeschoss)", ("step_free",)),
    ("haupthaus", Kind.ROOM, GROUP_ROOM, ("step_free", "hearing_loop")),
    ("haupthaus", Kind.COUNTER, "Schalter 1", ("step_free",)),
    ("haupthaus", Kind.COUNTER, "Schalter 2", ("step_free",)),
    ("seedorf", Kind.ROOM, "Beratungsraum A", ("step_free",)),
    ("seedorf", Kind.ROOM, "Beratungsraum B", ()),
    ("talheim", Kind.ROOM, "Beratungsraum 1", ("step_free",)),
    ("talheim", Kind.ROOM, "Beratungsraum 2", ()),
    *(("haupthaus", Kind.TABLET, f"Tablet {n}", ()) for n in range(1, 5)),
    ("seedorf", Kind.TABLET, "Tablet Seedorf", ()),
    ("talheim", Kind.TABLET, "Tablet Talheim", ()),
    *(("haupthaus", Kind.CAMERA, f"Kamera {n}", ()) for n in range(1, 4)),
)

_FULL = (Hours((MON, TUE, WED, THU), "08:00", "12:00"), Hours((MON, TUE, WED), "13:00", "16:00"),
         Hours((THU,), "13:00", "18:00"), Hours((FRI,), "08:00", "12:30"))  # fmt: skip
_MORNINGS = (Hours((MON, TUE, WED, THU, FRI), "08:00", "12:30"),)
_HOME_TWO_DAYS = (
    Hours((MON, WED, FRI), "08:30", "12:30"), Hours((MON, WED), "13:00", "16:00"),
    Hours((TUE, THU), "08:30", "12:30", HOME), Hours((TUE, THU), "13:00", "16:30", HOME),
)  # fmt: skip
_LATE = (Hours((MON, TUE, THU), "10:00", "13:00"), Hours((MON, TUE, THU), "13:30", "18:00"),
         Hours((FRI,), "08:00", "12:00", HOME, every_weeks=2))  # fmt: skip
_ALWAYS = (Hours(tuple(range(7)), "00:00", "24:00", HOME),)

CASEWORKERS = (
    Caseworker("Miriam Hansen", "hansen", "haupthaus", ("money", "housing"), ("de", "en"), _FULL),
    Caseworker("Tarek Aydin", "aydin", "haupthaus", ("money", "housing"), ("de", "tr"), _FULL),
    Caseworker("Olena Kovalenko", "kovalenko", "haupthaus", ("money", "work"),
               ("de", "uk", "ru"), _HOME_TWO_DAYS),
    Caseworker("Jonas Petersen", "petersen", "haupthaus", ("work", "learning"), ("de", "en"), _LATE,
               camera=False),
    Caseworker("Sabine Krüger", "krueger", "haupthaus", ("money", "children"), ("de",), _MORNINGS,
               camera=False),
    Caseworker("Farid Haidari", "haidari", "haupthaus", ("work", "money"),
               ("de", "fa", "en"), _FULL, camera=False),
    Caseworker("Petra Lindner", "lindner", "haupthaus", ("housing", "children"),
               ("de", "fr"), _HOME_TWO_DAYS),
    Caseworker("Alex Neumann", "neumann", "haupthaus", ("trial",), ("de", "en"), _ALWAYS),
    Caseworker("Birgit Vogt", "vogt", "seedorf", ("money", "housing", "children"), ("de",), _FULL),
    Caseworker("Samir Nasser", "nasser", "seedorf", ("work", "learning"),
               ("de", "ar"), _HOME_TWO_DAYS),
    Caseworker("Katrin Wolf", "wolf", "talheim", ("money", "housing"), ("de", "pl"), _FULL),
    Caseworker("Daniel Roth", "roth", "talheim", ("work", "learning", "children"),
               ("de", "en"), _LATE),
)  # fmt: skip

OTHER_STAFF = (
    # name, login, role
    ("Empfang Haupthaus", "empfang", "reception"),
    ("Einsatzplanung", "planung", "scheduler"),
    ("Verwaltung", "admin", "admin"),
)

_ID = {"de": "Ausweis oder Pass", "en": "identity card or passport"}


def _bring(german: str, english: str) -> Text:
    return {"de": f"{_ID['de']}; {german}", "en": f"{_ID['en']}; {english}"}


TOPICS = (
    DemoTopic(
        "money", "money",
        {"de": "Ich brauche Geld zum Leben", "en": "I need money to live on"},
        {"de": "Erstantrag auf Grundsicherung", "en": "First application for basic income support"},
        {"de": "Sie haben kein oder zu wenig Geld. Wir helfen Ihnen beim Antrag.",
         "en": "You have no money or too little. We help you to apply."},
        _bring("Mietvertrag; Kontoauszüge der letzten drei Monate",
               "rental contract; bank statements of the last three months"),
        _ways(person=45, video=45, phone=30, branch=True),
    ),
    DemoTopic(
        "letter", "money",
        {"de": "Ich verstehe einen Brief von Ihnen nicht",
         "en": "I do not understand a letter from you"},
        {"de": "Fragen zum Leistungsbescheid", "en": "Questions about a notice of benefits"},
        {"de": "Wir erklären Ihnen den Brief in einfachen Worten.",
         "en": "We explain the letter in plain words."},
        _bring("der Brief", "the letter"),
        _ways(person=20, video=20, phone=15, branch=True),
    ),
    DemoTopic(
        "continue", "money",
        {"de": "Mein Geld soll weiter gezahlt werden", "en": "My money should go on being paid"},
        {"de": "Weiterbewilligungsantrag", "en": "Application for continued payment"},
        {"de": "Ihr Bescheid endet bald. Wir sehen den neuen Antrag mit Ihnen durch.",
         "en": "Your notice ends soon. We go through the new application with you."},
        _bring("der letzte Bescheid", "your last notice"),
        _ways(person=20, video=20, phone=20, branch=True),
    ),
    DemoTopic(
        "housing", "housing",
        {"de": "Ich ziehe um oder meine Miete ändert sich",
         "en": "I am moving or my rent is changing"},
        {"de": "Kosten der Unterkunft und Heizung", "en": "Costs of accommodation and heating"},
        {"de": "Sprechen Sie mit uns, bevor Sie einen Mietvertrag unterschreiben.",
         "en": "Talk to us before you sign a rental contract."},
        _bring("Mietvertrag oder Angebot", "rental contract or offer"),
        _ways(person=30, video=30, phone=20),
    ),
    DemoTopic(
        "holiday", "work",
        {"de": "Ich möchte in den Urlaub fahren", "en": "I would like to go on holiday"},
        {"de": "Zustimmung zur Ortsabwesenheit", "en": "Consent to absence"},
        {"de": "Sagen Sie uns vorher Bescheid, dann bekommen Sie Ihr Geld weiter.",
         "en": "Tell us beforehand, and your money goes on."},
        {"de": "die Reisedaten", "en": "your travel dates"},
        _ways(video=10, phone=10),
    ),
    DemoTopic(
        "found_work", "work",
        {"de": "Ich habe Arbeit gefunden", "en": "I have found work"},
        {"de": "Mitteilung einer Beschäftigungsaufnahme", "en": "Notice of taking up employment"},
        {"de": "Wir klären, was sich ändert und welche Hilfe es zum Start gibt.",
         "en": "We clarify what changes and what help there is for the start."},
        _bring("Arbeitsvertrag, falls schon da", "employment contract, if you have it"),
        _ways(person=20, video=20, phone=15, branch=True),
    ),
    DemoTopic(
        "seek_work", "work",
        {"de": "Ich suche Arbeit", "en": "I am looking for work"},
        {"de": "Arbeitsvermittlung und Eingliederung", "en": "Placement and integration"},
        {"de": "Wir suchen gemeinsam, was zu Ihnen passt.",
         "en": "Together we look for what suits you."},
        _bring("Lebenslauf, falls vorhanden", "curriculum vitae, if you have one"),
        _ways(person=45, video=45, phone=30, branch=True),
    ),
    DemoTopic(
        "learn", "learning",
        {"de": "Ich möchte einen Kurs machen oder einen Beruf lernen",
         "en": "I would like to take a course or learn a trade"},
        {"de": "Förderung der beruflichen Weiterbildung",
         "en": "Funding of further vocational training"},
        {"de": "Wir zeigen Ihnen, welche Kurse es gibt und wer sie bezahlt.",
         "en": "We show you which courses there are and who pays for them."},
        _bring("Zeugnisse, falls vorhanden", "certificates, if you have them"),
        _ways(person=45, video=45),
    ),
    DemoTopic(
        "children", "children",
        {"de": "Mein Kind braucht Geld für Schule oder Verein",
         "en": "My child needs money for school or a club"},
        {"de": "Leistungen für Bildung und Teilhabe", "en": "Benefits for education and participation"},
        {"de": "Zum Beispiel für Schulsachen, Ausflüge, Mittagessen oder den Sportverein.",
         "en": "For school things, trips, lunch or the sports club, for example."},
        _bring("Schulbescheinigung", "certificate of school attendance"),
        _ways(person=20, video=20, phone=15),
    ),
    DemoTopic(
        "understand", "money",
        {"de": "Bürgergeld verstehen: Info-Veranstaltung",
         "en": "Understanding basic income support: an information event"},
        {"de": "Gruppeninformation zur Grundsicherung",
         "en": "Group information on basic income support"},
        {"de": "Was Ihnen zusteht, wie der Antrag geht und was danach kommt. Sie können Fragen"
               " stellen. Über Ihre eigenen Angaben sprechen wir in der Gruppe nicht.",
         "en": "What you are entitled to, how to apply and what comes after. You can ask"
               " questions. We do not talk about your own details in the group."},
        {"de": "etwas zum Schreiben", "en": "something to write with"},
        (TopicWay(Way.IN_PERSON, 90, 15, notice_minutes=60),),
        in_groups=True,
    ),
    DemoTopic(
        "trial", "trial",
        {"de": "Ich möchte die Videoberatung ausprobieren",
         "en": "I would like to try out advice by video"},
        {"de": "Technik-Probe", "en": "Practice call"},
        {"de": "Wir probieren Kamera und Ton mit Ihnen aus. Es geht um nichts anderes.",
         "en": "We try out camera and sound with you. It is about nothing else."},
        {"de": "das Gerät, mit dem Sie anrufen möchten", "en": "the device you want to call with"},
        (TopicWay(Way.VIDEO, 15, 5, notice_minutes=0), TopicWay(Way.PHONE, 15, 5, notice_minutes=0)),
    ),
)  # fmt: skip

CLAIMANTS = (
    "Anna Berg", "Mehmet Yilmaz", "Ludmila Sokolova", "Peter Schulz", "Fatima Hosseini",
    "Jürgen Maier", "Aisha Rahman", "Tobias Frank", "Svetlana Marchenko", "Omar Khalil",
    "Christine Otto", "Pawel Nowak", "Lena Fischer", "Hüseyin Demir", "Ingrid Sommer",
    "Ali Reza Karimi", "Markus Brandt", "Zeynep Arslan", "Helga Winkler", "Ivan Petrov",
)  # fmt: skip

"""Everything the pages add to the application: routes, middlewares, templates."""

from __future__ import annotations

from aiohttp import web

from web import (
    about,
    api,
    appointment,
    booking,
    calls,
    closures,
    colleagues,
    demo,
    earlier,
    exchange,
    figures,
    groups,
    limits,
    loans,
    office,
    people,
    people_hours,
    plan,
    plan_booking,
    plan_changes,
    plan_feed,
    plan_groups,
    premises,
    rescue,
    reservation,
    shift,
    staff,
    staff_appointments,
    staff_events,
    things,
    topics,
)
from web.csrf import refuse_foreign_forms
from web.errors import friendly
from web.keys import SETTINGS
from web.letters import LETTERS, Letters
from web.limits import Buckets
from web.session import know_staff
from web.static_files import StaticFiles
from web.templating import ENVIRONMENTS, environments
from web.translations import speak

STATIC: web.AppKey[StaticFiles] = web.AppKey("static")


def setup(app: web.Application) -> None:
    """Add the pages to `app`, whose settings are known; its other keys must be there at start."""
    app.middlewares.extend(
        [
            speak,
            friendly,
            know_staff,
            exchange.accept_tables,
            refuse_foreign_forms,
            plan_feed.nudge_consoles,
        ]
    )
    app[STATIC] = StaticFiles()
    app[LETTERS] = Letters(app[SETTINGS])
    app.router.add_get("/static/{path:.+}", app[STATIC].serve)
    app.add_routes(_public())
    app.add_routes(_staff())
    app.add_routes(_office())
    app.add_routes(_master_data())
    app.add_routes(_console())
    app.add_routes(calls.ROUTES)
    app.add_routes(people.ROUTES)
    app.add_routes(people_hours.ROUTES)
    app.add_routes(exchange.ROUTES)
    app[staff_events.STREAMS] = set()
    app.cleanup_ctx.extend((api.desk, plan_feed.watching))
    app.on_startup.append(_begin)
    app.on_shutdown.append(staff_events.end_streams)


async def _begin(app: web.Application) -> None:
    settings = app[SETTINGS]
    app[ENVIRONMENTS] = environments(settings.timezone, app[STATIC])
    app[limits.BOOKING] = Buckets(settings.limits.booking)
    app[limits.SIGNING_IN] = Buckets(settings.limits.sign_in)
    app[limits.GUESSING] = Buckets(settings.limits.guessing)


def _public() -> list[web.RouteDef]:
    own = "/appointment/{token}"
    return [
        web.get("/", booking.choose_topic),
        web.get("/book/{topic}", booking.choose_way),
        web.get("/book/{topic}/{way}", booking.choose_time),
        web.get("/groups/{topic}", groups.choose),
        web.get(r"/groups/{topic}/{id:\d{1,18}}", groups.give_details),
        web.post(r"/groups/{topic}/{id:\d{1,18}}", groups.book),
        web.post("/hold", reservation.hold),
        web.get("/hold/{token}", reservation.give_details),
        web.post("/hold/{token}", reservation.confirm),
        web.get(own, appointment.show),
        web.get(own + "/invitation.ics", appointment.invitation),
        web.get(own + "/check-in.svg", appointment.check_in),
        web.get(own + "/cancel", appointment.ask_to_cancel),
        web.post(own + "/cancel", appointment.cancel),
        web.get(own + "/move", appointment.choose_new_time),
        web.post(own + "/move", appointment.move),
        web.get(own + "/way", shift.choose_way),
        web.get(own + "/way/{way}", shift.choose_terms),
        web.post(own + "/way/{way}", shift.shift),
        web.post(own + "/earlier", earlier.wait),
        web.get("/earlier/{token}", earlier.show),
        web.post("/earlier/{token}", earlier.answer),
        web.post("/language", about.choose_language),
        web.get("/api/slots", api.free_times),
        web.post("/api/appointments", api.book),
        web.get("/privacy", about.privacy),
        web.get("/accessibility", about.accessibility),
        web.get("/imprint", about.imprint),
        web.get("/demo/mail", demo.show_mail),
        web.get("/demo/mail/{id}", demo.show_letter),
    ]


def _staff() -> list[web.RouteDef]:
    one = r"/staff/appointments/{id:\d{1,18}}"
    return [
        web.get("/staff", staff.today),
        web.get("/staff/sign-in", staff.show_sign_in),
        web.post("/staff/sign-in", staff.sign_in),
        web.post("/staff/sign-out", staff.sign_out),
        web.get("/staff/day/{date}", staff.show_day),
        web.get("/staff/print/{date}", staff.print_day),
        web.get("/staff/events", staff_events.stream),
        web.get(one, staff_appointments.show),
        web.get(one + "/cancel", staff_appointments.ask_to_cancel),
        web.post(one + "/cancel", staff_appointments.cancel),
        web.get(one + "/move", staff_appointments.choose_new_time),
        web.post(one + "/move", staff_appointments.move),
        web.get(one + "/way", shift.choose_way_for_staff),
        web.get(one + "/way/{way}", shift.choose_terms_for_staff),
        web.post(one + "/way/{way}", shift.shift_for_staff),
        web.post(one + "/links", staff_appointments.invite),
        web.post(one + "/outcome", staff_appointments.mark),
    ]


def _office() -> list[web.RouteDef]:
    device = r"/plan/devices/{id:\d{1,18}}"
    return [
        web.get("/plan/closures", closures.show),
        web.post("/plan/closures", closures.add),
        web.post(r"/plan/closures/{id:\d{1,18}}/lift", closures.lift),
        web.get("/plan/rescue", rescue.show),
        web.post("/plan/rescue", rescue.apply),
        web.get("/plan/devices", loans.show),
        web.post("/plan/devices/cover", loans.cover),
        web.get(device, loans.show_device),
        web.get(device + "/code.svg", loans.code),
        web.post(device + "/hand-out", loans.hand_out),
        web.post(device + "/return", loans.take_back),
        web.get("/plan/figures", figures.show),
        web.get("/plan/figures.csv", figures.download),
    ]


def _master_data() -> list[web.RouteDef]:
    site, thing, topic = (
        f"/plan/{name}/{{id:\\d{{1,18}}}}" for name in ("sites", "resources", "topics")
    )
    return [
        web.get("/plan/office", office.show),
        web.get("/plan/sites", premises.show_all),
        web.get("/plan/sites/new", premises.show_new),
        web.post("/plan/sites/new", premises.add),
        web.get(site, premises.show),
        web.post(site, premises.change),
        web.post(site + "/teams", premises.add_team),
        web.post(site + r"/teams/{team:\d{1,18}}", premises.change_team),
        web.get("/plan/resources", things.show_all),
        web.get("/plan/resources/new", things.show_new),
        web.post("/plan/resources/new", things.add),
        web.get(thing, things.show),
        web.post(thing, things.change),
        web.get(thing + "/retire", things.ask_to_retire),
        web.post(thing + "/retire", things.retire),
        web.post(thing + "/bring-back", things.bring_back),
        web.get("/plan/topics", topics.show_all),
        web.get("/plan/topics/new", topics.show_new),
        web.post("/plan/topics/new", topics.add),
        web.get(topic, topics.show),
        web.post(topic, topics.change),
        web.post(topic + "/place", topics.place),
    ]


def _console() -> list[web.RouteDef]:
    one, group = r"/plan/appointments/{id:\d{1,18}}", r"/plan/groups/{id:\d{1,18}}"
    return [
        web.get("/plan", plan.show),
        web.get("/plan/timeline.json", plan.timeline),
        web.get("/plan/events", plan_feed.stream),
        web.get("/plan/book", plan_booking.show),
        web.post("/plan/book", plan_booking.book),
        web.get("/plan/groups", plan_groups.show),
        web.post("/plan/groups", plan_groups.create),
        web.get(group, plan_groups.show_one),
        web.post(group, plan_groups.change),
        web.get(group + "/cancel", plan_groups.ask_to_cancel),
        web.post(group + "/cancel", plan_groups.cancel),
        web.post(group + "/people", plan_groups.add),
        web.get(one, plan_changes.show),
        web.post(one + "/change", plan_changes.change),
        web.post(one + "/colleagues", colleagues.ask),
        web.post(one + r"/colleagues/{person:\d{1,18}}/excuse", colleagues.excuse),
    ]

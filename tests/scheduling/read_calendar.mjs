// Reads an iCalendar object from standard input with ical.js; prints what it understood as JSON.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const whole = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const zone = new ICAL.Timezone(whole.getFirstSubcomponent("vtimezone"));
ICAL.TimezoneService.register(zone);
const events = whole.getAllSubcomponents("vevent");
const event = new ICAL.Event(events[0]);
const first = (name) => events[0].getFirstPropertyValue(name);

process.stdout.write(
  JSON.stringify({
    method: whole.getFirstPropertyValue("method"),
    events: events.length,
    uid: event.uid,
    sequence: event.sequence,
    start: event.startDate.convertToZone(ICAL.Timezone.utcTimezone).toString(),
    end: event.endDate.convertToZone(ICAL.Timezone.utcTimezone).toString(),
    summary: event.summary,
    description: event.description,
    location: event.location,
    organizer: event.organizer,
    status: first("status"),
    attendee: event.attendees[0].getFirstValue(),
  }),
);

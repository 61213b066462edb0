// The console's timeline: draws the plan, asks the server before anything moves, and stays live.

import { Panel } from "./panel.js";

const PEOPLE = ["caseworker"];
const ROOMS = ["room", "counter"];
const DEVICES = ["tablet", "camera"];

const fieldOf = (kind) =>
  PEOPLE.includes(kind) ? "caseworker"
  : ROOMS.includes(kind) ? "room"
  : DEVICES.includes(kind) ? kind
  : "";

const two = (number) => String(number).padStart(2, "0");

// The calendar counts in the office's wall-clock time, whatever zone this device is in.
const wallClock = (date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` +
  `T${two(date.getHours())}:${two(date.getMinutes())}`;

// Where the day's work begins: an hour is shown before the first appointment.
function firstHour(events) {
  const booked = events.filter((event) => event.extendedProps?.icon);
  const hours = booked.map((event) => Number(event.start.slice(11, 13)));
  return Math.max(Math.min(9, ...hours) - 1, 0);
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  drawing.append(use);
  return drawing;
}

// The calendar calls itself a table without having one's rows (ARIA 1.2, 5.2.5): the list
// beneath is what tells the plan to assistive technology, the timeline offers its buttons.
function withoutTableRoles(calendar, label) {
  const clear = () => {
    for (const name of ["role", "aria-colindex", "aria-rowindex", "aria-colcount", "aria-rowcount"]) {
      for (const one of calendar.querySelectorAll(`[${name}]`)) one.removeAttribute(name);
    }
    // An empty day scrolls as well, and must do so by keyboard.
    for (const scrolled of calendar.querySelectorAll(".ec-main")) {
      scrolled.tabIndex = 0;
      scrolled.setAttribute("role", "group");
      scrolled.setAttribute("aria-label", label);
    }
  };
  clear();
  new MutationObserver(clear).observe(calendar, { childList: true, subtree: true });
}

class Console {
  constructor(root) {
    this.root = root;
    this.say = root.dataset;
    this.kinds = new Map();
    this.panel = new Panel(root, () => this.refresh());
    this.dragging = false;
    this.dropped = -Infinity;
    this.asking = null;
    this.again = false;
  }

  async begin() {
    const plan = await this.read();
    const week = Boolean(this.say.week);
    const section = this.root.querySelector("[data-timeline]");
    section.hidden = false;
    this.calendar = window.EventCalendar.create(section.querySelector("[data-calendar]"), {
      view: week ? "resourceTimelineWeek" : "resourceTimelineDay",
      date: this.say.date,
      firstDay: 1,
      locale: this.say.language,
      headerToolbar: { start: "", center: "", end: "" },
      height: "auto",
      slotMinTime: plan.opens,
      slotMaxTime: plan.closes,
      slotDuration: week ? "01:00" : "00:30",
      slotLabelInterval: week ? "02:00" : "01:00",
      slotWidth: week ? 48 : 72,
      scrollTime: `${two(firstHour(plan.events))}:00`,
      snapDuration: "00:05",
      slotLabelFormat: (time) => `${two(time.getHours())}:${two(time.getMinutes())}`,
      nowIndicator: true,
      editable: false,
      eventStartEditable: true,
      eventDurationEditable: false,
      eventLongPressDelay: 300,
      resources: plan.resources,
      events: this.drawn(plan),
      resourceLabelContent: ({ resource }) => this.lane(resource),
      eventContent: ({ event, timeText }) => this.content(event, timeText),
      eventDragStart: () => {
        this.dragging = true;
      },
      eventDragStop: () => {
        this.dragging = false;
        this.dropped = performance.now();
      },
      eventDrop: (info) => this.drop(info),
    });
    withoutTableRoles(section.querySelector("[data-calendar]"), this.say.sayLanes);
    this.remember(plan);
    this.listen();
  }

  async read() {
    const answer = await fetch(this.say.feed, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) throw new Error(`the plan answered ${answer.status}`);
    return answer.json();
  }

  drawn(plan) {
    // What lies behind comes first, so that closures are drawn over hours.
    return [...plan.hours, ...plan.events].map((event) => ({ ...event, durationEditable: false }));
  }

  remember(plan) {
    this.lanes = JSON.stringify(plan.resources);
    this.events = JSON.stringify([plan.hours, plan.events]);
    this.kinds = new Map(plan.resources.map(({ id, extendedProps }) => [id, extendedProps.kind]));
  }

  lane(resource) {
    const { site, share } = resource.extendedProps;
    const label = element("span", "lane-label");
    label.append(element("span", "lane-title", resource.title));
    const known = share !== null && share !== undefined;
    if (known) label.append(element("span", "lane-share", `${share} ${this.say.sayBooked}`));
    if (site) label.append(element("span", "lane-site", site));
    if (known) {
      const bar = element("progress", "share-bar");
      bar.max = 100;
      bar.value = Math.min(share, 100);
      bar.setAttribute("aria-hidden", "true");
      label.append(bar);
    }
    return { domNodes: [label] };
  }

  content(event, timeText) {
    const { icon: name, way, topic, caseworker, address } = event.extendedProps;
    if (!name) return { domNodes: [element("span", "event-note", String(event.title))] };
    const first = element("span", "event-name");
    first.append(icon(name), element("span", "", String(event.title)));
    // A real button: the calendar's own elements may not be one, and the keyboard needs it.
    const button = element(address ? "a" : "button", "event-open");
    if (address) button.href = address;
    else button.type = "button";
    button.dataset.id = event.id;
    button.title = `${event.title}, ${timeText}, ${topic}`;
    button.append(
      first,
      element("span", "kern-sr-only", `${timeText}, ${way}, ${this.say.sayWith} ${caseworker}`),
      element("span", "event-line", topic),
    );
    if (address) return { domNodes: [button] };
    button.addEventListener("click", () => {
      // The end of a drag is no click.
      if (performance.now() - this.dropped > 250) this.panel.open(event.id, button);
    });
    return { domNodes: [button] };
  }

  async drop(info) {
    this.moved = true;
    const { event, oldEvent, oldResource, newResource } = info;
    const fields = { start: wallClock(event.start), sequence: event.extendedProps.sequence };
    if (newResource && oldResource && newResource.id !== oldResource.id) {
      const field = fieldOf(this.kinds.get(newResource.id));
      if (!field || field !== fieldOf(this.kinds.get(oldResource.id))) {
        info.revert();
        this.panel.tell(this.say.sayOtherKind);
        return;
      }
      fields[field] = newResource.id;
    }
    // The room and the device stay unless the drop is about them or they are taken.
    const done = await this.panel.send(`/plan/appointments/${oldEvent.id}/change`, fields);
    if (!done) info.revert();
  }

  // One question at a time; whatever is told meanwhile asks once more.
  refresh() {
    if (this.asking || this.dragging) {
      this.again = true;
      if (this.dragging) setTimeout(() => this.again && this.refresh(), 200);
      return this.asking;
    }
    this.again = false;
    this.asking = this.read()
      .then((plan) => {
        // Drawing is what takes time: only what has changed is drawn.
        const [lanes, events] = [this.lanes, this.events];
        this.remember(plan);
        if (this.lanes !== lanes) this.calendar.setOption("resources", plan.resources);
        if (this.events !== events || this.moved) {
          this.moved = false;
          this.calendar.setOption("events", this.drawn(plan));
        }
      })
      .catch(() => undefined)
      .finally(() => {
        this.asking = null;
        if (this.again) this.refresh();
      });
    return this.asking;
  }

  listen() {
    // A key after a drag is no end of it.
    addEventListener("keydown", () => (this.dropped = -Infinity), true);
    const events = new EventSource(this.say.events);
    events.addEventListener("plan", () => this.refresh());
    // After an interruption the page may have missed something.
    events.addEventListener("open", () => this.refresh());
    addEventListener("pagehide", () => events.close());
  }
}

export async function start(root) {
  if (!window.EventCalendar) {
    await new Promise((loaded) => addEventListener("DOMContentLoaded", loaded, { once: true }));
  }
  if (matchMedia("(min-width: 48rem)").matches) {
    root.querySelector("[data-list]").open = false;
  }
  await new Console(root).begin();
}

/**
 * What to do when a connection falters: a pure decision, without browser, clock or chance of its own.
 *
 * The steps in order: open the socket anew (its link or session is the token that finds the seat
 * again), restart ICE on the connection that is there, build a new connection, offer the telephone.
 * No step is taken with relay credentials that are over: a socket is asked for new ones before.
 * Whoever runs it (connection.js) tells what happened and carries out what comes back.
 */

export const OPENING = 8000; // ms until a socket that does not open is given up
export const ANSWERING = 8000; // ms until a socket that answers no offer is given up
export const CHECKING = 4000; // ms that ICE and DTLS may take after the answer
export const PROBING = 4000; // ms until a socket that answers no ping is given up
export const STALL = 2000; // ms without a byte where some must come
export const HUSH = 4000; // ms without a byte of others who should be heard or seen; after three at
// most the server tells that it is they who are silent
export const PHONE = 12000; // ms of trouble until the telephone is offered
const FIRST_PAUSE = 250; // ms
const LONGEST_PAUSE = 8000; // ms
const KNOCKING = 3; // lost sockets until we ask whether the page still stands

/**
 * How a connection begins. `socket` is "closed", "opening", "open", "resting" (until the next try)
 * or "over"; `media` is "new", "asking" (an offer is out), "checking" (it was answered), "well",
 * "resting", or "waiting" (for the socket). Times are ms, and Infinity where nothing is due.
 */
export const FRESH = Object.freeze({
  socket: "closed",
  tries: 0, // sockets lost since one was welcomed
  socketDue: Infinity,
  media: "new",
  steps: 0, // steps taken since media was well
  mediaDue: Infinity,
  owed: null, // the step that waits for the credentials which come with "welcome"
  bytes: 0, // received so far on this connection
  movedAt: 0, // when some came last
  arriving: false, // whether something of others has come on this path
  online: true,
  since: Infinity, // when the trouble began
  phone: false, // whether the telephone is offered
});

/** When `next` wants to be asked again with `{type: "time"}`, in ms. */
export function deadline(state) {
  return Math.min(state.socketDue, state.mediaDue, state.phone ? Infinity : state.since + PHONE);
}

/**
 * Decide what follows from `event`.
 *
 * @param {object} state FRESH, or what the call before returned
 * @param {object} event `{type}` and what belongs to it; see `HANDLERS`. With any event: `connected`,
 *     media's path stands; `expecting`, what is sent must be answered; `others`, somebody else has
 *     sound or picture on; `stale`, the relay credentials are over
 * @param {number} now ms on any clock that does not run backwards
 * @param {() => number} random in [0, 1), so that a thousand browsers do not return together
 * @returns {[object, {do: string, offer?: string}[]]} the new state, and what is to be done
 */
export function next(state, event, now, random = Math.random) {
  if (state.socket === "over") return [state, []];
  const step = new Step(state, event, now, random);
  HANDLERS[event.type](step, event);
  return [Object.freeze(step.state), step.actions];
}

const HANDLERS = {
  start(step) {
    step.state.since = step.now;
    step.open();
  },
  welcome(step) {
    Object.assign(step.state, { socket: "open", tries: 0, socketDue: Infinity });
    // The offer was in "hello", or was kept back for the credentials that are here now.
    if (step.state.media !== "well") step.await("asking", ANSWERING);
    step.pay();
    step.settle();
  },
  heard: (step) => step.state.socket === "open" && (step.state.socketDue = Infinity),
  closed: (step) => step.lose(),
  answered: (step) => step.state.media === "asking" && step.await("checking", CHECKING),
  // Another relay has the room: how often the one before failed says nothing of it.
  moved(step) {
    step.state.steps = 1;
    step.climb();
  },
  // The relay has forgotten the connection, or cannot read its offer: only a new one helps.
  refused(step) {
    step.state.steps = Math.max(step.state.steps, 1);
    step.climb();
  },
  media(step, { state }) {
    if (state === "connected") step.well();
    else if (state === "disconnected" && step.state.media === "well") step.climb();
    else if (state === "failed" && ["well", "checking"].includes(step.state.media)) step.climb();
  },
  bytes(step, { total, connected }) {
    const { state, now } = step;
    const moved = total > state.bytes;
    state.bytes = total;
    state.arriving = step.others && (state.arriving || moved);
    if (moved || step.patience === Infinity) state.movedAt = now;
    if (moved && connected) {
      state.online = true; // whatever the browser thinks
      step.well();
    } else if (state.media === "well" && now - state.movedAt >= step.patience) step.climb();
  },
  offline(step) {
    step.state.online = false;
    step.trouble();
  },
  online: (step) => step.refresh(),
  network: (step) => step.refresh(),
  visible(step) {
    step.do("devices"); // phones take them away from pages that are not seen
    step.hurry();
  },
  woke(step) {
    step.do("devices"); // operating systems take them away from sleeping browsers
    step.refresh();
  },
  time(step) {
    const { state, now } = step;
    if (now >= state.socketDue) step.socketDue();
    if (now >= state.mediaDue) step.mediaDue();
    if (now >= state.since + PHONE && !state.phone) {
      state.phone = true;
      step.do("phone");
    }
  },
  over(step) {
    Object.assign(step.state, {
      socket: "over", socketDue: Infinity, mediaDue: Infinity, since: Infinity,
    });
  },
};

/** One decision in the making. */
class Step {
  actions = [];

  constructor(state, event, now, random) {
    this.state = { ...state };
    this.connected = event.connected ?? false;
    this.expecting = event.expecting ?? false;
    this.others = event.others ?? false;
    this.stale = event.stale ?? false;
    this.now = now;
    this.random = random;
  }

  /** For how many ms silence is no trouble. Who sends nothing hears only what others say. */
  get patience() {
    if (this.expecting) return STALL;
    return this.others && this.state.arriving ? HUSH : Infinity;
  }

  do(name, more = {}) {
    this.actions.push({ do: name, ...more });
  }

  pause(times) {
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** times);
    return this.now + longest * (0.5 + this.random() / 2);
  }

  await(media, patience) {
    Object.assign(this.state, { media, mediaDue: this.now + patience });
  }

  trouble() {
    if (this.state.since < Infinity) return;
    this.state.since = this.now;
    this.do("interrupted");
  }

  settle() {
    const { socket, media, online, since } = this.state;
    if (socket !== "open" || media !== "well" || !online || since === Infinity) return;
    Object.assign(this.state, { since: Infinity, phone: false });
    this.do("mended");
  }

  well() {
    if (this.state.media !== "well") {
      const { now } = this;
      Object.assign(this.state, { media: "well", steps: 0, mediaDue: Infinity, movedAt: now });
    }
    this.settle();
  }

  // The socket

  open() {
    const { state } = this;
    let offer = "same";
    if (state.media === "waiting") {
      offer = state.steps < 2 ? "restart" : "rebuild";
      state.steps += 1;
    }
    const owed = this.stale && state.media !== "well" ? offer : null;
    Object.assign(state, { socket: "opening", socketDue: this.now + OPENING, owed });
    this.do("open", { offer: owed ? "none" : offer });
  }

  pay() {
    const { owed, media } = this.state;
    this.state.owed = null;
    if (owed === "restart") this.do("restart"); // bytes may still come by the path before
    // What was never answered may have been prepared with the old credentials.
    else if (owed && media !== "well") this.do("rebuild");
  }

  lose() {
    const { state } = this;
    Object.assign(state, { socket: "resting", socketDue: this.pause(state.tries) });
    state.tries += 1;
    if (!["new", "well"].includes(state.media)) {
      Object.assign(state, { media: "waiting", mediaDue: Infinity });
    }
    this.trouble();
    if (state.tries >= KNOCKING) this.do("knock");
  }

  socketDue() {
    if (this.state.socket === "resting") return this.open();
    this.do("drop");
    this.lose();
  }

  /** Waste no time now that there is reason to hope; see whether the socket still lives. */
  hurry() {
    const { state, now } = this;
    if (state.socket === "resting") this.open();
    if (state.socket !== "open") return;
    state.socketDue = Math.min(state.socketDue, now + PROBING);
    this.do("ping");
  }

  // Picture and sound

  /** The path may be another one: new ICE credentials on the connection that is there. */
  refresh() {
    const { state } = this;
    Object.assign(state, { online: true, movedAt: this.now });
    const idle = ["new", "asking"].includes(state.media);
    if (!idle) {
      state.steps = 0;
      if (state.socket === "open") this.take();
      else Object.assign(state, { media: "waiting", mediaDue: Infinity });
    }
    this.hurry();
  }

  climb() {
    const { state } = this;
    this.trouble();
    state.arriving = false; // a path that ICE finds is believed in, though the others be silent
    if (state.socket !== "open") Object.assign(state, { media: "waiting", mediaDue: Infinity });
    else if (state.steps < 2) this.take();
    else Object.assign(state, { media: "resting", mediaDue: this.pause(state.steps) });
  }

  take() {
    if (this.stale) {
      // Only a new socket brings credentials at once; the one there may have slept for too long.
      Object.assign(this.state, { media: "waiting", mediaDue: Infinity });
      return this.open();
    }
    this.do(this.state.steps === 0 ? "restart" : "rebuild");
    this.state.steps += 1;
    this.await("asking", ANSWERING);
  }

  mediaDue() {
    const { state } = this;
    if (state.media === "asking") {
      this.do("drop"); // a socket that answers nothing is dead
      this.lose();
    } else if (state.media === "resting") {
      this.take();
    } else if (this.connected && this.now - state.movedAt < this.patience) {
      this.well();
    } else {
      this.climb();
    }
  }
}

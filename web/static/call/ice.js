/**
 * How this browser may reach the relay: the office's TURN servers and credentials that are renewed.
 *
 * The page brings the first ones, so that the first offer need not wait for the socket; "welcome"
 * and "ice" bring newer ones. Without TURN servers there is nothing to configure.
 */

const LIFETIME = 600_000; // ms that credentials hold at most
const SOON = 30_000; // ms that must be left: a new way has to come about with them
const SURE = 240_000; // ms for which new ones are believed in where the clocks differ

/** When the first of these credentials are over, in ms since 1970: TURN has it in the username. */
function expiryOf(iceServers) {
  const times = iceServers.map(({ username = "" }) => Number.parseInt(username, 10) * 1000);
  return Math.min(Infinity, ...times.filter((time) => !Number.isNaN(time)));
}

export class Ice {
  #configuration;
  #holdsUntil = Infinity; // ms since 1970
  #clock;

  /**
   * @param {string} [granted] the message "ice" that came with the page
   * @param {() => number} [clock] ms since 1970; goes on while the computer sleeps
   */
  constructor(granted, clock = () => Date.now()) {
    this.#clock = clock;
    const message = granted ? JSON.parse(granted) : {};
    this.#configure(message);
    this.#holdsUntil = expiryOf(message.iceServers ?? []);
  }

  /** Use what a "welcome" or an "ice" grants from the next offer on. */
  take(message) {
    this.#configure(message);
    const now = this.#clock();
    const left = expiryOf(message.iceServers ?? []) - now;
    if (left === Infinity) this.#holdsUntil = Infinity;
    // They are new whatever this computer's clock says.
    else this.#holdsUntil = now + (left > SOON ? Math.min(left, LIFETIME) : SURE + SOON);
  }

  #configure({ iceServers = [], iceTransportPolicy = "all" }) {
    this.#configuration = iceServers.length ? { iceServers, iceTransportPolicy } : undefined;
  }

  /** What a connection is to be configured with before it offers (RTCConfiguration), if anything. */
  get configuration() {
    return this.#configuration;
  }

  /** Whether the credentials are over, or too soon will be, to begin a new way with them. */
  get stale() {
    return this.#holdsUntil - this.#clock() <= SOON;
  }
}

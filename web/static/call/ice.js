/**
 * How this browser may reach the relay: the office's TURN servers and credentials that are renewed.
 *
 * The page brings the first ones, so that the first offer need not wait for the socket; "welcome"
 * and "ice" bring newer ones. Without TURN servers there is nothing to configure.
 */
export class Ice {
  #configuration;

  /** @param {string} [granted] the message "ice" that came with the page */
  constructor(granted) {
    this.take(granted ? JSON.parse(granted) : {});
  }

  /** Use what a "welcome" or an "ice" grants from the next offer on. */
  take({ iceServers = [], iceTransportPolicy = "all" }) {
    this.#configuration = iceServers.length ? { iceServers, iceTransportPolicy } : undefined;
  }

  /** What a connection is to be configured with before it offers (RTCConfiguration), if anything. */
  get configuration() {
    return this.#configuration;
  }
}

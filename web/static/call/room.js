/** What this browser knows of the room: who is there, who waits, and who is on which pair. */

export class Room {
  me = null;
  role = null;
  phase = "connecting";
  participants = new Map();
  slots = [];

  /** Take over a "welcome". */
  welcome({ you, role, phase, participants }) {
    this.me = you;
    this.role = role;
    this.phase = phase;
    this.#fill(participants);
  }

  /** Take over an "admitted". */
  admitted({ participants }) {
    this.phase = "room";
    this.#fill(participants);
  }

  /** Take over a "participant"; returns what was known of them before, or undefined. */
  participant(message) {
    const { type, ...participant } = message;
    const before = this.participants.get(participant.id);
    if (participant.id !== this.me) this.participants.set(participant.id, participant);
    return before;
  }

  /** Take over a "gone"; returns who it was, or undefined. */
  gone({ participant }) {
    const before = this.participants.get(participant);
    this.participants.delete(participant);
    return before;
  }

  /** The others who are in the room. */
  get present() {
    return [...this.participants.values()].filter(({ phase }) => phase === "room");
  }

  /** Those who wait in the lobby; known to hosts only. */
  get waiting() {
    return [...this.participants.values()].filter(({ phase }) => phase === "lobby");
  }

  /** Whether something should come of anybody; the server knows who has fallen silent. */
  get heard() {
    return this.present.some(
      ({ audio, video, quality }) => (audio || video) && quality !== "lost",
    );
  }

  #fill(participants) {
    this.participants = new Map(
      participants.filter(({ id }) => id !== this.me).map((person) => [person.id, person]),
    );
  }
}

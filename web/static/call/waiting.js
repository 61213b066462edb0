/** The caseworker's list of those who wait, each with a button to let in and one to turn away. */

export class Waiting extends EventTarget {
  #element;
  #list;
  #row;
  #words;
  #dialog = document.getElementById("dismiss-dialog");
  #question = this.#dialog.querySelector("[data-dismiss-question]");

  constructor(element, words) {
    super();
    this.#element = element;
    this.#list = element.querySelector("[data-waiting-list]");
    this.#row = element.querySelector("template");
    this.#words = words;
  }

  /** Show exactly `people`; rows that stay keep their place and the focus. */
  show(people) {
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.participant, row]));
    for (const person of people) {
      if (!rows.delete(person.id)) this.#list.append(this.#make(person));
    }
    for (const row of rows.values()) row.remove();
    this.#element.dataset.count = String(people.length);
  }

  #make(person) {
    const row = this.#row.content.firstElementChild.cloneNode(true);
    row.dataset.participant = person.id;
    row.querySelector("[data-name]").textContent = person.name;
    for (const action of ["admit", "dismiss"]) {
      const button = row.querySelector(`[data-do="${action}"]`);
      button.setAttribute("aria-label", this.#words(`${action}Person`, { name: person.name }));
      button.addEventListener("click", () => this.#ask(action, person));
    }
    return row;
  }

  /** Letting in happens at once; turning away is final and asked about. */
  #ask(action, person) {
    const decided = () => this.dispatchEvent(new CustomEvent(action, { detail: person }));
    if (action === "admit") return decided();
    this.#question.textContent = this.#words("dismissQuestion", { name: person.name });
    this.#dialog.returnValue = "";
    this.#dialog.onclose = () => this.#dialog.returnValue === "dismiss" && decided();
    this.#dialog.showModal();
  }
}

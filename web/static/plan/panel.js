// The panel beside the timeline: one appointment with its forms, and what came of the last one.
// Forms are sent to the same addresses as without scripts; of the answering page the outcome
// and the panel are shown in place.

export class Panel {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.box = root.querySelector("[data-panel]");
    this.content = root.querySelector("[data-panel-content]");
    this.outcome = root.querySelector("[data-outcome]");
    this.opener = "";
    root.querySelector("[data-close]").addEventListener("click", () => this.close());
    root.addEventListener("submit", (event) => this.submitted(event));
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (this.outcome.contains(event.target)) this.outcome.replaceChildren();
      if (!this.box.hidden) this.close();
    });
    addEventListener("keydown", (event) => this.undo(event));
    for (const link of root.querySelectorAll("[data-list] a.plan-name")) {
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.open(link.pathname.split("/").pop(), link);
      });
    }
  }

  async open(id, opener) {
    this.opener = opener;
    const page = await this.fetched(`/plan/appointments/${id}`);
    if (!page) return;
    this.show(page);
    this.box.querySelector(".panel-name")?.focus();
  }

  close() {
    this.box.hidden = true;
    this.content.replaceChildren();
    // The timeline may have been drawn anew since.
    const { id } = this.opener?.dataset ?? {};
    const again = id && this.root.querySelector(`button[data-id="${CSS.escape(id)}"]`);
    (this.opener?.isConnected ? this.opener : again)?.focus();
  }

  tell(text) {
    const note = document.createElement("p");
    note.className = "kern-body console-note";
    note.textContent = text;
    this.outcome.replaceChildren(note, this.dismissal());
  }

  dismissal() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "kern-btn kern-btn--tertiary";
    button.textContent = this.root.dataset.sayClose;
    button.addEventListener("click", () => this.outcome.replaceChildren());
    return button;
  }

  // Sends a change; tells what came of it; returns whether the plan has been changed.
  async send(address, fields) {
    const body = new URLSearchParams(fields);
    if (!body.has(this.root.dataset.csrfField)) {
      body.set(this.root.dataset.csrfField, this.root.dataset.csrf);
    }
    const page = await this.fetched(address, { method: "POST", body });
    if (!page) return false;
    const outcome = page.getElementById("outcome");
    const told = outcome?.children.length ? [...outcome.childNodes, this.dismissal()] : [];
    this.outcome.replaceChildren(...told);
    if (page.ok && !this.box.hidden) this.show(page);
    if (page.ok) this.changed();
    return page.ok;
  }

  async submitted(event) {
    const form = event.target;
    const ours = /\/plan\/appointments\/|\/outcome$/;
    if (!(form instanceof HTMLFormElement) || !ours.test(form.action)) return;
    event.preventDefault();
    const fields = new FormData(form, event.submitter);
    const done = await this.send(form.action, [...fields]);
    if (done) this.outcome.querySelector("button")?.focus();
    else this.outcome.querySelector("button, a")?.focus();
  }

  undo(event) {
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    if (event.target.closest?.("input, textarea, select")) return;
    const form = this.outcome.querySelector("[data-undo]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  }

  show(page) {
    const panel = page.getElementById("panel");
    if (!panel) return;
    // The console has its first heading already.
    const name = panel.querySelector("h1");
    const heading = document.createElement("h2");
    heading.className = name.className;
    heading.tabIndex = -1;
    heading.append(...name.childNodes);
    name.replaceWith(heading);
    for (const lower of panel.querySelectorAll("form h2")) {
      const title = document.createElement("h3");
      title.className = "kern-title";
      title.append(...lower.childNodes);
      lower.replaceWith(title);
    }
    // Ids of the panel must not meet those of the console's own forms.
    for (const one of panel.querySelectorAll("[id]")) one.id = `panel-${one.id}`;
    for (const one of panel.querySelectorAll("[for]")) one.htmlFor = `panel-${one.htmlFor}`;
    this.content.replaceChildren(panel);
    this.box.hidden = false;
  }

  async fetched(address, options = {}) {
    try {
      const answer = await fetch(address, { credentials: "same-origin", ...options });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      page.ok = answer.ok && !new URL(answer.url).pathname.startsWith("/staff/sign-in");
      return page;
    } catch {
      this.tell(this.root.dataset.sayFailed);
      return null;
    }
  }
}

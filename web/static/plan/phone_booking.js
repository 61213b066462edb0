// Shows the free times as soon as the topic, way or site changes, and never books twice.

export function start(element) {
  element.addEventListener("change", (event) => {
    if (event.target.closest("[data-wish]")) ask(element).catch(() => undefined);
  });
  element.addEventListener("submit", (event) => {
    if (event.target.dataset.sent && event.submitter?.name !== "show") event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete element.querySelector("form").dataset.sent);
}

// What was typed travels with the question, comes back in the answer, and stays out of addresses.
async function ask(element) {
  const form = element.querySelector("form");
  const fields = new FormData(form);
  fields.delete("start");
  fields.set("show", "times");
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams([...fields]) });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector('[data-module="phone-booking"]');
  const focused = document.activeElement?.id;
  element.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
}

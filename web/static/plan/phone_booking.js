// Shows the free times as soon as the topic, way or site changes, and never books twice.

// What an answer renews. Name, number and address stay as they are: somebody types on meanwhile.
const RENEWED = ["[data-wish]", "#start"];

export function start(element) {
  let asked = 0;
  element.addEventListener("change", (event) => {
    if (!event.target.closest("[data-wish]")) return;
    asked += 1;
    ask(element, asked, () => asked).catch(() => undefined);
  });
  element.addEventListener("submit", (event) => {
    if (event.target.dataset.sent && event.submitter?.name !== "show") event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete element.querySelector("form").dataset.sent);
}

// What was typed travels with the question and stays out of addresses.
async function ask(element, number, newest) {
  const form = element.querySelector("form");
  const fields = new FormData(form);
  fields.delete("start");
  fields.set("show", "times");
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams([...fields]) });
  if (!answer.ok || answer.redirected || number !== newest()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const part of RENEWED) element.querySelector(part).replaceWith(page.querySelector(part));
  if (focused) document.getElementById(focused)?.focus();
}

// Keeps the list of who waits up to date: told by the server, read from the page itself.

export function start(element) {
  const refresh = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, current] = [document, fresh].map((page) => page.getElementById("arrivals"));
    if (!old || !current || old.innerHTML === current.innerHTML) return;
    old.className = current.className;
    old.replaceChildren(...current.childNodes);
  };
  let running = null;
  let again = false;
  const requested = () => {
    if (running) {
      again = true;
      return;
    }
    running = refresh()
      .catch(() => undefined)
      .finally(() => {
        running = null;
        if (again) {
          again = false;
          requested();
        }
      });
  };
  const events = new EventSource(element.dataset.events);
  events.addEventListener("lobby", requested);
  // After an interruption the page may have missed something.
  events.addEventListener("open", requested);
  addEventListener("pagehide", () => events.close());
}

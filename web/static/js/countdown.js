// Counts the minutes of a reservation down; the time of day stands there anyway.

export function start(element) {
  const until = Date.parse(element.dataset.until);
  const left = element.querySelector("[data-left]");
  const show = () => {
    const minutes = Math.ceil((until - Date.now()) / 60_000);
    if (minutes <= 0) {
      left.textContent = ` – ${element.dataset.over}`;
      element.dataset.state = "over";
      return;
    }
    const words = minutes === 1 ? element.dataset.one : element.dataset.more;
    left.textContent = ` – ${words.replace("{minutes}", minutes)}`;
    element.dataset.state = minutes <= 2 ? "soon" : "held";
    setTimeout(show, Math.max(250, until - Date.now() - (minutes - 1) * 60_000));
  };
  show();
}

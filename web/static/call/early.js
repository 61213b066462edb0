/** Reloads the page of somebody who came early in the moment the lobby opens. */

const LONGEST_TIMER = 2 ** 31 - 1; // ms, of setTimeout

for (const element of document.querySelectorAll("[data-opens-in]")) {
  const opens = performance.now() + Number(element.dataset.opensIn) * 1000;
  const look = () => {
    const left = opens - performance.now();
    if (left <= 0) location.reload();
    else setTimeout(look, Math.min(left, LONGEST_TIMER));
  };
  look();
  // timers rest while a tablet sleeps
  document.addEventListener("visibilitychange", () => document.hidden || look());
}

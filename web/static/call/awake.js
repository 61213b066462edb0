/** Keeps the screen of a phone or tablet on while its person waits or talks. */

let lock = null;

async function hold() {
  if (document.hidden || lock?.released === false) return;
  // Refused when the battery is low; the call goes on, only the screen may darken.
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
}

/** Keep the screen on until the page is left (W3C Screen Wake Lock; given back when hidden). */
export function stayAwake() {
  document.addEventListener("visibilitychange", hold);
  hold();
}

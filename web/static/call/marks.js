/**
 * Marks on the browser's performance timeline, read by the benchmarks.
 *
 * This module is the first import of the page, so that "call:script" stands before any other work.
 */

performance.mark("call:script");

let shown = false;

/** Note that the relay connection stands (ICE and DTLS are through). */
export function markConnected() {
  performance.measure("call:connected", "call:script");
}

/** Note that this person is in the room, at once or admitted from the lobby. */
export function markEntered() {
  performance.mark("call:entered");
}

/**
 * Note the first decoded frame of somebody else that `video` presents.
 *
 * Leaves the measures "call:first-frame" (since the page's script started) and
 * "call:entered-to-frame" (since this person was let in).
 */
export function markFirstFrame(video) {
  if (!("requestVideoFrameCallback" in video)) return;
  video.requestVideoFrameCallback((now) => {
    if (shown) return;
    shown = true;
    performance.measure("call:first-frame", { start: "call:script", end: now });
    if (performance.getEntriesByName("call:entered").length) {
      performance.measure("call:entered-to-frame", { start: "call:entered", end: now });
    }
  });
}

// Starts the module of every element that names one. Pages work without any of them.

for (const element of document.querySelectorAll("[data-module]")) {
  const modules = {
    countdown: () => import("./countdown.js"),
    "error-summary": () => import("./error_summary.js"),
    lobby: () => import("./lobby.js"),
    "phone-booking": () => import("../plan/phone_booking.js"),
    print: () => import("./print.js"),
    timeline: () => import("../plan/timeline.js"),
  };
  modules[element.dataset.module]?.().then((module) => module.start(element));
}

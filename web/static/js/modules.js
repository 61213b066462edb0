// Starts the module of every element that names one. Pages work without any of them.

for (const element of document.querySelectorAll("[data-module]")) {
  const modules = {
    countdown: () => import("./countdown.js"),
    "error-summary": () => import("./error_summary.js"),
    lobby: () => import("./lobby.js"),
    print: () => import("./print.js"),
  };
  modules[element.dataset.module]?.().then((module) => module.start(element));
}

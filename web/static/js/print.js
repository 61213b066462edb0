// Shows the print button where there is something that can print.

export function start(element) {
  element.hidden = false;
  element.addEventListener("click", () => window.print());
}

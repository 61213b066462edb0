// Moves the focus to the list of errors, so that nobody has to look for it.

export function start(element) {
  element.focus();
}

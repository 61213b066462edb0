/** The page's sentences in the person's language, handed over by the template. */

/** Read the sentences from `root.dataset.words`; returns `(key, values) => sentence`. */
export function readWords(root) {
  const words = JSON.parse(root.dataset.words);
  return (key, values = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
}

/** Lines of text on their way: nothing typed is lost, nothing is shown twice. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, MOST, OwnLines, TheirLines, part, plain } from "../../web/static/call/lines.js";

const line = (number, text, done = false) => ({ number, text, done });

/** Own lines that were finished and are on their way, one for each of `texts`, at 1, 2, 3 … ms. */
function sent(...texts) {
  const own = new OwnLines(1);
  texts.forEach((text, index) => {
    own.type(text, index + 1);
    own.finish(index + 1);
    own.told();
  });
  return own;
}

test("a line that grows keeps its number until it is finished", () => {
  const own = new OwnLines(7);

  own.type("Gu", 0);
  const begun = own.fresh;
  own.told();
  own.type("Guten Tag", 300);
  own.finish(600);
  own.type("W", 700);

  assert.deepEqual(begun, [line(7, "Gu")]);
  assert.deepEqual(own.fresh, [line(7, "Guten Tag", true), line(8, "W")]);
});

test("what others were told already is not told again", () => {
  const own = sent("Guten Tag");

  own.type("", 10);

  assert.deepEqual(own.fresh, []);
});

test("a line that was rubbed out is told as empty, unless nobody knows of it", () => {
  const own = new OwnLines(1);
  own.type("G", 0);
  own.told();

  own.type("", 1);
  const known = own.fresh;
  own.told();
  own.finish(2);
  const secret = new OwnLines(1);
  secret.type("G", 0);
  secret.type("", 1);

  assert.deepEqual(known, [line(1, "")]);
  assert.deepEqual(own.fresh, []);
  assert.deepEqual(secret.fresh, []);
});

test("blanks alone are no line", () => {
  const own = new OwnLines(1);
  own.type("   ", 0);

  assert.equal(own.finish(1), "");
});

test("what could not be sent waits, and goes out in messages of twenty lines", () => {
  const own = new OwnLines(1);
  for (let number = 1; number <= MOST + 3; number += 1) {
    own.type(`line ${number}`, number);
    own.finish(number);
  }

  const first = own.fresh;
  own.told();
  const second = own.fresh;

  assert.equal(first.length, MOST);
  assert.deepEqual(second.map(({ text }) => text), ["line 21", "line 22", "line 23"]);
});

test("somebody whose socket was lost is repeated the last lines of the time they were there", () => {
  const own = sent("before they came", "since then");
  own.type("not sent yet", 3);

  assert.deepEqual(own.since(1), [line(2, "since then", true)]);
  assert.deepEqual(own.since(Infinity), []);
});

test("twenty lines are the most that are repeated, the newest of all", () => {
  const own = sent(...Array.from({ length: MOST + 5 }, (_, index) => `line ${index + 1}`));

  const repeated = own.since(0);

  assert.equal(repeated.length, MOST);
  assert.equal(repeated.at(-1).text, `line ${MOST + 5}`);
});

test("control characters become blanks, and halves of characters nothing", () => {
  assert.equal(plain("a\tb\u0000c\u2028d\ud83d"), "a b c d");
  assert.equal(plain("👩‍👧 مرحبا"), "👩‍👧 مرحبا");
  assert.equal([...plain("👋".repeat(LONGEST + 1))].length, LONGEST);
});

test("breaks part what was pasted into lines, and the last one is still being typed", () => {
  assert.deepEqual(part("one\ntwo\r\nthr"), { finished: ["one", "two"], rest: "thr" });
});

test("a line that gets too long goes on in the next one, parted at a space, and loses nothing", () => {
  const words = "zwölf Worte ".repeat(100);

  const { finished, rest } = part(words);

  assert.equal(finished.join("") + rest, words);
  assert.ok(finished.every((piece) => [...piece].length <= LONGEST && piece.endsWith(" ")));
  assert.equal(part("x".repeat(LONGEST + 1)).rest, "x");
});

test("a line is shown as it grows, and once more when it is finished", () => {
  const theirs = new TheirLines();

  const shown = [line(1, "Gu"), line(1, "Guten Tag", true)].map((each) => theirs.take([each]));

  assert.deepEqual(shown, [[line(1, "Gu")], [line(1, "Guten Tag", true)]]);
});

test("what is repeated is shown only where it was not read before", () => {
  const theirs = new TheirLines();
  theirs.take([line(1, "one", true)]);
  theirs.take([line(3, "thr")]);

  const shown = theirs.take([line(1, "one", true), line(2, "two", true), line(3, "thr")]);

  assert.deepEqual(shown, [line(2, "two", true), line(3, "thr")]);
});

test("a line whose end was lost stands as it is once its writer goes on, and is put right later", () => {
  const theirs = new TheirLines();
  theirs.take([line(1, "Hel")]);

  const next = theirs.take([line(2, "Wo")]);
  const repeated = theirs.take([line(1, "Hello", true), line(2, "Wor")]);

  assert.deepEqual(next, [line(1, "Hel", true), line(2, "Wo")]);
  assert.deepEqual(repeated, [line(1, "Hello", true), line(2, "Wor")]);
});

test("what somebody was typing when they left stands as it is", () => {
  const theirs = new TheirLines();
  theirs.take([line(1, "Bis mor")]);

  assert.deepEqual(theirs.close(), [line(1, "Bis mor", true)]);
  assert.deepEqual(theirs.close(), []);
});

// The reading page: one exam at a time, the next one loaded ahead.

import { Decision } from "./decision.js";
import * as drafts from "./drafts.js";
import { Form } from "./form.js";
import { isTheirs, keyOf } from "./keys.js";
import { Mine } from "./mine.js";
import { Panes } from "./panes.js";
import { Picture } from "./picture.js";
import { present } from "./present.js";
import { Away, get, insist, newKey, post } from "./talk.js";

const $ = (selector) => document.querySelector(selector);
const fields = JSON.parse($("#fields").textContent);
const consensus = document.body.dataset.role === "consensus";

const panes = new Panes($("#images"));
const form = new Form($("#form"), fields);
const decision = consensus ? new Decision($("#decision"), fields) : null;
const active = decision ?? form;
const mine = new Mine($("#mine"), fields, (handle) => complain(visit(`/api/exams/${handle}`, false)));

const pictures = new Map(); // handle to a promise of its pictures: what is loaded ahead
const saved = new Map(); // handles to when they were saved: an answer to an earlier question may still hold them
let clock = 0; // counts questions and answers
let exam = null;
let queue = [];
let key = newKey();
let spent = 0; // seconds with the exam in sight
let busy = false; // an exam is being sent or fetched: the form is locked
let ready = false; // the images of the exam are in sight: nobody grades what they have not seen
let touched = false; // something has been changed since the exam was opened
let walks = false; // this exam was reached by going back, so that Enter goes forward again
let answered = false; // the answers of a practice exam are on the screen

setInterval(() => { if (ready && !busy && document.visibilityState === "visible") spent += 0.1; }, 100);

async function load(one) {
  if (!pictures.has(one.handle)) {
    const urls = one.views.map((_, i) => `/api/pictures/${one.handle}/${i}`);
    pictures.set(one.handle, Promise.all(urls.map((url) => Picture.load(url).catch((error) => error))));
  }
  const shown = await pictures.get(one.handle);
  // What did not come is asked for again the next time.
  if (shown.some((picture) => picture instanceof Error)) pictures.delete(one.handle);
  return shown;
}

function say(message, kind = "") {
  $("#message").textContent = message;
  $("#message").className = kind;
}

// Locked while it is sent or looked at only: what stands on the screen is what is saved, or what will be.
function lock() {
  const shut = busy || !ready || Boolean(exam?.locked) || answered;
  for (const part of document.querySelectorAll("#form, #decision, #words")) part.inert = shut;
  $("#save").disabled = busy;
  document.body.classList.toggle("sending", busy);
}

const captions = (views) => views.map((view, i) => [i + 1, view, exam?.body[i]].filter(Boolean).join(" · "));

async function refill() {
  const asked = (clock += 1);
  const answer = await post("/api/next");
  queue = answer.exams.filter((one) => !(saved.get(one.handle) > asked) && (one.handle !== exam?.handle || one.version !== exam.version));
  $("#done").textContent = answer.done;
  $("#left").textContent = answer.left;
  const all = answer.done + answer.left;
  $("#bar").value = all ? answer.done / all : 1;
  queue.forEach(load);
  const wanted = new Set([...queue.map((one) => one.handle), exam?.handle]);
  for (const handle of pictures.keys()) if (!wanted.has(handle)) pictures.delete(handle);
}

async function turn() {
  if (!queue.length) await refill();
  walks = false;
  await open(queue.shift() ?? null);
}

async function open(one) {
  exam = one;
  ready = touched = answered = false;
  key = newKey();
  document.body.classList.toggle("empty", !exam);
  document.body.classList.remove("failed");
  $("#report").hidden = true;
  $("#answers").hidden = true;
  lock();
  if (!exam) {
    document.body.dataset.ready = "none";
    return;
  }
  document.body.dataset.kind = exam.kind;
  document.body.classList.add("loading");
  const shown = await load(exam);
  if (exam !== one) return;
  document.body.classList.remove("loading");
  panes.show(shown, captions(exam.views));
  const draft = drafts.find(exam.handle);
  const mineBefore = draft && draft.version === exam.version ? draft : null;
  if (decision) decision.begin(exam, mineBefore?.decided);
  form.begin(exam.views, mineBefore?.content ?? exam.before);
  spent = mineBefore?.spent ?? 0;
  touched = Boolean(mineBefore);
  const failed = shown.find((picture) => picture instanceof Error);
  document.body.classList.toggle("failed", Boolean(failed));
  if (failed) {
    say(`${failed.message} This exam can't be graded before all of its images are in sight.`, "warn");
    lock();
    if (failed instanceof Away) setTimeout(() => { if (exam === one && !ready) complain(open(one)); }, 4000);
    return;
  }
  const correcting = exam.version ? "You have read this exam; saving a change corrects it." : "";
  const notes = [exam.note, exam.locked ? "You have read this exam; it can't be changed any more." : correcting];
  if (mineBefore) notes.push("What you had not saved yet is back.");
  if (exam.kind === "practice") notes.push("Practice: the right answers come afterwards.");
  say(notes.filter(Boolean).join(" "), "note");
  ready = true;
  lock();
  document.body.dataset.ready = `${exam.handle}/${exam.version}`;
}

function note() {
  if (!exam || !ready || busy) return;
  touched = true;
  drafts.keep(exam.handle, {
    version: exam.version, content: form.content, decided: decision ? { values: decision.values } : null, spent,
  });
}

function point(element, message) {
  element.scrollIntoView({ block: "nearest" });
  element.classList.remove("asked");
  requestAnimationFrame(() => element.classList.add("asked"));
  say(message, "warn");
}

async function save() {
  if (busy) return;
  if (!exam) return again();
  if (!ready) { if (document.body.classList.contains("failed")) complain(open(exam)); return; }
  if (answered || exam.locked || (exam.version && !touched)) return complain(onward(exam.locked ? "" : answered ? "" : "Nothing was changed."));
  if (active.missing) return point(active.missing, decision ? "There is something left to decide." : "There is something left to grade.");
  if (active.problem) return point(active.problem.element, active.problem.text);
  const names = decision ? present() : [];
  if (decision && !names.length) return point($("#present"), "Say first who is present: a consensus is signed by name.");
  const sent = exam;
  const content = { handle: exam.handle, key, version: exam.version, ...form.content, present: names, seconds: Math.round(spent * 10) / 10 };
  if (decision) content.values = decision.values;
  busy = true;
  lock();
  let answer;
  try {
    answer = await insist("/api/readings", content, () =>
      say("The server does not answer. The form is locked until your reading is saved; trying again … Nothing is lost.", "warn"));
  } catch (error) {
    busy = false;
    if (error.saved?.values) take(error.saved);
    say(error.message, "warn");
    lock();
    return;
  }
  drafts.drop(sent.handle);
  take(answer.saved);
  saved.set(sent.handle, (clock += 1));
  busy = false;
  lock();
  if (answer.answers) return showAnswers(answer.answers);
  await complain(onward());
}

// What is saved is what is on the screen, and what a further change corrects.
function take(content) {
  exam.version = content.version + 1;
  exam.before = content;
  key = newKey();
  touched = false;
  drafts.drop(exam.handle);
  if (decision) decision.begin(exam);
  form.begin(exam.views, content);
}

async function onward(message = "") {
  if (busy) return;
  busy = true;
  lock();
  const here = exam;
  try {
    const next = walks ? (await get(`/api/exams/${exam.handle}/after`)).exam : null;
    if (next) await open(next);
    else {
      await turn();
      // The server is asked for more while the next exam is being looked at.
      if (!queue.length && exam) refill().catch(() => {});
    }
    if (message && exam !== here) say(`${message} ${$("#message").textContent}`, "note");
  } catch (error) {
    say(`${error.message} Your reading is saved; Enter goes on to the next exam.`, "warn");
  } finally {
    busy = false;
    lock();
  }
}

// To an exam that was read before.
async function visit(path, walking) {
  if (busy) return;
  busy = true;
  lock();
  try {
    const answer = await get(path);
    const one = walking ? answer.exam : answer;
    if (!one) { say("There is no earlier exam.", "warn"); return; }
    if (exam && !exam.version && exam.handle !== one.handle) queue.unshift(exam);
    walks = walking;
    await open(one);
  } finally {
    busy = false;
    lock();
  }
}

const back = () => visit(`/api/exams/${exam?.handle ?? "none-yet"}/before`, true);
const forward = () => (exam?.version ? onward() : say("This is the exam at hand.", "note"));

// Laid aside: for later, or for good.
async function aside(never) {
  if (!exam || exam.version || busy || exam.kind === "practice") return;
  await post("/api/aside", { handle: exam.handle, never });
  queue = [];
  await turn();
}

// Nothing was left to read; others may have read on meanwhile.
async function again() {
  if (exam || busy) return;
  busy = true;
  try {
    await turn();
  } catch (error) {
    say(error.message, "warn");
  } finally {
    busy = false;
    lock();
  }
}

function showAnswers(answers) {
  const given = form.values;
  const rows = fields.filter((field) => field.name in answers || given[field.name]).map((field) => {
    const [mine_, right] = [given[field.name] ?? "–", answers[field.name] ?? 0];
    const row = document.createElement("tr");
    row.className = mine_ === right ? "" : "differs";
    for (const text of [field.title, mine_, right]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  $("#answers tbody").replaceChildren(...rows);
  $("#answers").hidden = false;
  answered = true;
  lock();
  say("Enter goes on to the next exam.", "note");
}

async function report() {
  if (!ready) return;
  const box = $("#report");
  if (!box.hidden) { box.hidden = true; return; }
  box.textContent = (await get(`/api/reports/${exam.handle}`)).text;
  box.hidden = false;
}

const complain = (doing) => doing?.catch((error) => say(error.message, "warn"));

// An arrow: with Shift it changes the window, with Ctrl it moves the image, alone it does `otherwise`.
const arrow = (x, y, otherwise) => (event) => {
  if (event.shiftKey) panes.pane?.nudge(x, y);
  else if (event.ctrlKey) panes.pane?.pan(x, y);
  else otherwise();
};

const pressed = (name, on) => document.querySelector(`[data-press="${name}"]`)?.setAttribute("aria-pressed", String(on));

function mode(name) {
  const now = panes.setMode(name);
  for (const [press, one] of [["Shift+d", "window"], ["Shift+m", "ruler"]]) pressed(press, now === one);
}

const free = () => ready && !busy && !exam.locked && !answered;

const keys = {
  Enter: save,
  "Shift+Enter": () => complain(aside(false)),
  Backspace: () => complain(back()),
  "Shift+Backspace": () => complain(forward()),
  ArrowUp: arrow(0, -1, () => active.turnTo(active.current - 1)),
  ArrowDown: arrow(0, 1, () => active.turnTo(active.current + 1)),
  ArrowLeft: arrow(-1, 0, () => panes.focus(panes.focused - 1)),
  ArrowRight: arrow(1, 0, () => panes.focus(panes.focused + 1)),
  "+": () => panes.pane?.zoom(1),
  "=": () => panes.pane?.zoom(1),
  "-": () => panes.pane?.zoom(-1),
  Home: () => panes.pane?.home(),
  End: () => panes.pane?.zoomTo(1),
  ".": () => panes.toggleAlone(),
  i: () => panes.pane?.invert(),
  "Shift+r": () => panes.pane?.rotate(),
  "Shift+l": () => pressed("Shift+l", panes.toggleLinked()),
  "Shift+k": () => pressed("Shift+k", panes.toggleKeeps()),
  "Shift+d": () => mode("window"),
  "Shift+m": () => mode("ruler"),
  v: () => free() && form.turnView(panes.focused),
  r: () => free() && !decision && form.toggleRevisit(),
  "/": () => free() && form.comment.focus(),
  ",": () => $("#show-report") && complain(report()),
  "?": () => { $("#help").hidden = !$("#help").hidden; },
  Escape: () => { $("#help").hidden = true; },
};
// A key that is held down moves images, and does nothing else twice.
const HELD = /^(Arrow.*|\+|=|-)$/;

document.addEventListener("keydown", (event) => {
  if (event.target === form.comment) {
    if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) { form.comment.blur(); event.preventDefault(); }
    return;
  }
  if (event.metaKey || event.altKey || (event.ctrlKey && !event.key.startsWith("Arrow")) || isTheirs(event)) return;
  const name = keyOf(event);
  if (event.repeat && !HELD.test(name)) {
    if (name in keys || /^[a-z0-9]$/.test(name)) event.preventDefault();
    return;
  }
  let taken = true;
  if (/^[0-9]$/.test(name)) taken = free() && active.level(name);
  else if (name in keys) keys[name](event);
  else if (/^[a-z]$/.test(name)) taken = free() && (decision ? decision.side(name) : form.toggle(name));
  else taken = false;
  if (taken !== false) event.preventDefault();
});

// After a click the keys go to the exam again, not to the button.
document.addEventListener("click", (event) => { if (event.detail) event.target.closest?.("button")?.blur(); });

// Somebody is there, if only to look and to talk: the session lasts, and the exam stays in hand.
let lastSign = Date.now();
for (const sign of ["pointermove", "pointerdown", "keydown", "wheel"]) {
  document.addEventListener(sign, () => {
    if (Date.now() - lastSign < 60000) return;
    lastSign = Date.now();
    post("/api/alive", { handle: exam?.handle ?? null }).catch(() => {});
  }, { passive: true });
}

form.onChange = note;
form.onSay = (message) => say(message, "note");
if (decision) decision.onChange = note;
form.revisit.addEventListener("change", note);
form.onViews = (views) => panes.panes.forEach((pane, i) => {
  if (pane.picture && i < views.length) pane.name(captions(views)[i]);
});
$("#save").addEventListener("click", save);
$("#back").addEventListener("click", keys.Backspace);
$("#later").addEventListener("click", keys["Shift+Enter"]);
$("#never").addEventListener("click", () => {
  if (window.confirm("Not for you, for good? Others will read this exam.")) complain(aside(true));
});
$("#show-mine").addEventListener("click", () => complain(mine.show()));
$("#show-guide").addEventListener("click", () => $("#guide").showModal());
$("#guide .close").addEventListener("click", () => $("#guide").close());
$("#show-report")?.addEventListener("click", keys[","]);
window.addEventListener("focus", again);
$("#show-help").addEventListener("click", keys["?"]);
$("#help").addEventListener("click", keys["?"]);
for (const button of document.querySelectorAll("[data-press]")) {
  button.addEventListener("click", (event) => keys[button.dataset.press](event));
}
pressed("Shift+k", panes.keeps);
$("#sign-out").addEventListener("click", async () => {
  const open_ = drafts.mine().length;
  if (open_ && !window.confirm(`There is unsaved work in ${open_} exam(s). Sign out and give it up?`)) return;
  drafts.dropAll();
  await post("/api/sign-out");
  window.location.assign("/sign-in");
});

complain(turn());

// The reading page: one exam at a time, the next one loaded ahead.

import { Decision } from "./decision.js";
import { Form } from "./form.js";
import { Panes } from "./panes.js";
import { Picture } from "./picture.js";
import { get, insist, newKey, post } from "./talk.js";

const $ = (selector) => document.querySelector(selector);
const fields = JSON.parse($("#fields").textContent);
const consensus = document.body.dataset.role === "consensus";

const panes = new Panes($("#images"));
const form = new Form($("#form"));
const decision = consensus ? new Decision($("#decision"), fields) : null;
const active = decision ?? form;

const pictures = new Map(); // handle to a promise of its pictures: what is loaded ahead
const saved = new Set(); // handles that are on their way; the server knows best, but it may not know yet
let exam = null;
let queue = [];
let key = newKey();
let spent = 0; // seconds with the exam in sight
let busy = false;
let ready = false; // the images of the exam are in sight: nobody grades what they have not seen

setInterval(() => { if (ready && document.visibilityState === "visible") spent += 0.1; }, 100);

function load(one) {
  if (!pictures.has(one.handle)) {
    const urls = one.views.map((_, i) => `/api/pictures/${one.handle}/${i}`);
    pictures.set(one.handle, Promise.all(urls.map((url) => Picture.load(url).catch((error) => error))));
  }
  return pictures.get(one.handle);
}

function say(message, kind = "") {
  $("#message").textContent = message;
  $("#message").className = kind;
}

const captions = (views) => views.map((view, i) => (view ? `${i + 1} · ${view}` : `${i + 1}`));

async function refill() {
  const answer = await post("/api/next");
  queue = answer.exams.filter((one) => !saved.has(one.handle));
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
  await open(queue.shift() ?? null);
}

async function open(one) {
  exam = one;
  ready = false;
  key = newKey();
  document.body.classList.toggle("empty", !exam);
  $("#report").hidden = true;
  if (!exam) {
    document.body.dataset.ready = "none";
    return;
  }
  document.body.classList.add("loading");
  const shown = await load(exam);
  if (exam !== one) return;
  document.body.classList.remove("loading");
  panes.show(shown, captions(exam.views));
  if (decision) decision.begin(exam);
  form.begin(exam.views, exam.before);
  say(exam.note || (exam.version ? "You have read this exam; saving again corrects it." : ""), "note");
  spent = 0;
  ready = true;
  document.body.dataset.ready = `${exam.handle}/${exam.version}`;
}

async function save() {
  if (!exam) return again();
  if (!ready || busy) return;
  const missing = active.missing;
  if (missing) {
    missing.scrollIntoView({ block: "nearest" });
    missing.classList.remove("asked");
    requestAnimationFrame(() => missing.classList.add("asked"));
    say(decision ? "There is something left to decide." : "There is something left to grade.", "warn");
    return;
  }
  busy = true;
  $("#save").disabled = true;
  const content = { handle: exam.handle, key, version: exam.version, ...form.content, seconds: Math.round(spent * 10) / 10 };
  if (decision) content.values = decision.values;
  try {
    await insist("/api/readings", content, () => say("The server does not answer. Nothing is lost; trying again …", "warn"));
    saved.add(exam.handle);
    say("");
    // The server is asked for more while the next exam is being looked at.
    const more = queue.length ? null : refill();
    await more;
    await turn();
    if (!more) refill().then(() => { queue = queue.filter((one) => one.handle !== exam?.handle); }).catch(() => {});
  } catch (error) {
    say(error.message, "warn");
  } finally {
    busy = false;
    $("#save").disabled = false;
  }
}

async function back() {
  if (busy) return;
  const recent = await get("/api/recent");
  const at = recent.findIndex((one) => one.handle === exam?.handle);
  const one = recent[at + 1];
  if (!one) return say("There is no earlier exam that you could still correct.", "warn");
  if (exam && !exam.version) queue.unshift(exam);
  saved.delete(one.handle);
  await open(one);
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
  }
}

async function report() {
  if (!ready) return;
  const box = $("#report");
  if (!box.hidden) { box.hidden = true; return; }
  box.textContent = (await get(`/api/reports/${exam.handle}`)).text;
  box.hidden = false;
}

const complain = (doing) => doing.catch((error) => say(error.message, "warn"));

// An arrow: with Shift it changes the window, with Ctrl it moves the image, alone it does `otherwise`.
const arrow = (x, y, otherwise) => (event) => {
  if (event.shiftKey) panes.pane?.nudge(x, y);
  else if (event.ctrlKey) panes.pane?.pan(x, y);
  else otherwise();
};

const keys = {
  Enter: save,
  Backspace: () => complain(back()),
  ArrowUp: arrow(0, -1, () => active.turnTo(active.current - 1)),
  ArrowDown: arrow(0, 1, () => active.turnTo(active.current + 1)),
  ArrowLeft: arrow(-1, 0, () => panes.focus(panes.focused - 1)),
  ArrowRight: arrow(1, 0, () => panes.focus(panes.focused + 1)),
  "+": () => panes.pane?.zoom(1.4),
  "=": () => panes.pane?.zoom(1.4),
  "-": () => panes.pane?.zoom(1 / 1.4),
  Home: () => panes.pane?.home(),
  ".": () => panes.toggleAlone(),
  i: () => panes.pane?.invert(),
  v: () => form.turnView(panes.focused),
  r: () => { form.revisit.checked = !form.revisit.checked; form.mark(); },
  "/": () => form.comment.focus(),
  ",": () => $("#show-report") && complain(report()),
  "?": () => { $("#help").hidden = !$("#help").hidden; },
  Escape: () => { $("#help").hidden = true; },
};

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.altKey || (event.ctrlKey && !event.key.startsWith("Arrow"))) return;
  if (event.target === form.comment) {
    if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) { form.comment.blur(); event.preventDefault(); }
    return;
  }
  if (event.target.tagName === "A" && event.key === "Enter") return;
  let taken = true;
  if (/^[0-9]$/.test(event.key)) taken = ready && active.level(event.key);
  else if (event.key in keys) { if (event.key !== "Enter" || !event.repeat) keys[event.key](event); }
  else if (/^[a-z]$/.test(event.key)) taken = ready && (decision ? decision.side(event.key) : form.toggle(event.key));
  else taken = false;
  if (taken) event.preventDefault();
});

form.onViews = (views) => panes.panes.forEach((pane, i) => {
  if (pane.picture && i < views.length) pane.name(captions(views)[i]);
});
$("#save").addEventListener("click", save);
$("#back").addEventListener("click", keys.Backspace);
$("#show-report")?.addEventListener("click", keys[","]);
window.addEventListener("focus", again);
$("#show-help").addEventListener("click", keys["?"]);
$("#help").addEventListener("click", keys["?"]);
for (const button of document.querySelectorAll("[data-press]")) {
  button.addEventListener("click", (event) => { keys[button.dataset.press](event); button.blur(); });
}
$("#sign-out").addEventListener("click", async () => {
  await post("/api/sign-out");
  window.location.assign("/sign-in");
});

complain(turn());

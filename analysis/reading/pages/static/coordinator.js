// The coordinator's page: who has read what, hand over, withdraw tokens, close sets.

import { get, post } from "./talk.js";

const $ = (selector) => document.querySelector(selector);
const when = (at) => (at ? new Date(1000 * at).toISOString().slice(0, 16).replace("T", " ") : "–");

function fill(table, rows) {
  $(`${table} tbody`).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    for (const content of cells) {
      const cell = document.createElement("td");
      cell.append(content);
      row.append(cell);
    }
    return row;
  }));
}

function button(text, label, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.setAttribute("aria-label", label);
  element.addEventListener("click", act);
  return element;
}

async function act(question, path, body, done) {
  if (question && !window.confirm(question)) return;
  try {
    const answer = await post(path, body);
    $("#message").textContent = done(answer);
  } catch (error) {
    $("#message").textContent = error.message;
  }
  await show();
}

async function show() {
  const [{ people, events }, { readers, sets }] = await Promise.all([get("/api/coordinator"), get("/api/progress")]);
  const pace = new Map(readers.map((row) => [row.name, row]));
  fill("#people", people.map((row) => {
    const { read = 0, today = 0, per_hour } = pace.get(row.name) ?? {};
    const token = row.revoked ? `withdrawn ${when(row.revoked)}` : `made ${when(row.made)}`;
    const end = row.revoked || row.name === document.body.dataset.reader ? "" : button("Withdraw", `Withdraw the token of ${row.name}`, () =>
      act(`Shut ${row.name} out? The readings stay.`, "/api/revoke", { name: row.name }, () => `${row.name} is shut out.`));
    return [row.name, row.role, String(read), String(today), String(per_hour ?? "–"), String(row.held), String(row.declined), when(row.seen), token, end];
  }));
  for (const select of [$("#giver"), $("#taker")]) {
    const kept = select.value;
    const names = people.filter((row) => ["reader", "senior"].includes(row.role) && (select.id === "giver" || !row.revoked));
    select.replaceChildren(...names.map((row) => new Option(row.name)));
    if (names.some((row) => row.name === kept)) select.value = kept;
  }
  fill("#sets", sets.map((row) => [
    row.set, ...[row.exams, row.begun, row.read, row.conflict, row.decided].map(String),
    row.closed ? "closed" : button("Close", `Close the set ${row.set}`, () =>
      act(`Close ${row.set} for good?`, "/api/close", { name: row.set }, () => `${row.set} is closed.`)),
  ]));
  fill("#events", events.map((row) => [when(row.at), row.what, row.who, row.detail]));
}

$("#handover").addEventListener("submit", (event) => {
  event.preventDefault();
  const [giver, taker] = [$("#giver").value, $("#taker").value];
  act("", "/api/reassign", { giver, taker }, ({ exams }) => `${exams} exams went from ${giver} to ${taker}.`);
});
$("#sign-out").addEventListener("click", async () => {
  await post("/api/sign-out");
  window.location.assign("/sign-in");
});

show().catch((error) => { $("#message").textContent = error.message; });
setInterval(() => show().catch(() => {}), 30000);

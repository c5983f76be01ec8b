import { get } from "./talk.js";

const $ = (selector) => document.querySelector(selector);
const round = (value, digits) => value?.toFixed(digits).replace("-", "−") ?? "–";
const range = (row, name, digits) =>
  row[`${name}_low`] === undefined || row[`${name}_low`] === null
    ? round(row[name], digits)
    : `${round(row[name], digits)} (${round(row[`${name}_low`], digits)} to ${round(row[`${name}_high`], digits)})`;

function fill(table, rows) {
  $(table).hidden = !rows.length;
  $(`${table} tbody`).replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      cells.forEach((text, i) => {
        const cell = document.createElement(i ? "td" : "th");
        if (text instanceof Node) cell.append(text);
        else cell.textContent = text;
        row.append(cell);
      });
      return row;
    }),
  );
}

function bar(share) {
  const bar = document.createElement("progress");
  bar.value = share;
  return bar;
}

// Where all readings gave the same level there is no kappa; a line of names will do.
function agreement(table, rows) {
  const same = rows.filter((row) => !row.conflicts && (row.kappa ?? null) === null);
  const pair = (row) => (row.first === row.second ? row.first : `${row.first} – ${row.second}`);
  fill(table, rows.filter((row) => !same.includes(row)).map((row) => [
    row.title, pair(row), row.n, row.conflicts,
    range(row, "percent", 1), range(row, "kappa", 2), range(row, "kappa_quadratic", 2),
  ]));
  const lines = new Map();
  for (const row of same) lines.set(pair(row), [...(lines.get(pair(row)) ?? []), row.title]);
  $(`${table} + .same`).replaceChildren(...[...lines].map(([who, titles]) => {
    const line = document.createElement("p");
    line.textContent = `One level throughout, so no kappa (${who}): ${titles.join(", ")}.`;
    return line;
  }));
}

async function show() {
  const { sets, mine, readers, between, within } = await get("/api/progress");
  $("#mine").textContent = mine.read
    ? `${mine.read} ${readers ? "decided" : "read"}, ${mine.today} of them today; ${round(mine.seconds, 0)} s an exam` +
      (mine.per_hour ? `, ${mine.per_hour} an hour` : "")
    : `nothing ${readers ? "decided" : "read"} yet`;
  fill("#sets", sets.map((row) => [row.set, row.exams, row.begun, row.read, row.conflict, row.decided, bar(row.read / row.exams)]));
  if (!readers) return;
  fill("#readers", readers.map((row) => [row.name, row.read, `${round(row.seconds, 0)} s`, row.per_hour ?? "–"]));
  agreement("#between", between);
  agreement("#within", within);
}

show();
setInterval(show, 15000);

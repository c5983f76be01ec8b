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

function bar(share, name) {
  const bar = document.createElement("progress");
  bar.value = share;
  bar.setAttribute("aria-label", name);
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
  const { sets, mine, readers } = await get("/api/progress");
  const verb = document.body.dataset.role === "consensus" ? "decided" : "read";
  $("#said").textContent = mine.read
    ? `${mine.read} ${verb}, ${mine.today} of them today; ${round(mine.seconds, 0)} s an exam` +
      (mine.per_hour ? `, ${mine.per_hour} an hour` : "")
    : `nothing ${verb} yet`;
  fill("#sets", sets.map((row) => [
    row.closed ? `${row.set} (closed)` : row.set, row.exams, row.begun, row.read, row.conflict, row.decided,
    bar(row.read / row.exams, `Share of ${row.set} that is read`),
  ]));
  if (readers) {
    fill("#readers", readers.map((row) => [row.name, row.read, row.today, `${round(row.seconds, 0)} s`, row.per_hour ?? "–"]));
  }
}

// Takes a while in a large study, so it is measured when somebody asks.
async function measure() {
  $("#measuring").textContent = "Measuring …";
  try {
    const { between, within } = await get("/api/agreement");
    agreement("#between", between);
    agreement("#within", within);
    $("#measuring").textContent = between.length + within.length ? "" : "No exam has been read twice yet.";
  } catch (error) {
    $("#measuring").textContent = error.message;
  }
}

const again = () => show().catch(() => {}); // a server that is away for a moment is asked again
again();
setInterval(again, 15000);
$("#measure")?.addEventListener("click", measure);
if ($("#measure")) measure();

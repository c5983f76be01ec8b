// A reader's own exams as a list, to look at one again.

import { get } from "./talk.js";

const STATES = { open: "can be corrected", locked: "locked", later: "put off" };

export class Mine {
  constructor(dialog, fields, onOpen) {
    Object.assign(this, { dialog, onOpen, rows: [] });
    this.titles = new Map(fields.map((field) => [field.name, field.title]));
    this.search = dialog.querySelector("[name=search]");
    this.state = dialog.querySelector("[name=state]");
    this.body = dialog.querySelector("tbody");
    for (const input of [this.search, this.state]) input.addEventListener("input", () => this.fill());
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  }

  async show() {
    this.rows = await get("/api/mine");
    this.fill();
    this.dialog.showModal();
    this.search.focus();
  }

  matches(row) {
    const wanted = this.search.value.trim();
    const by = {
      "": () => true, flag: () => row.flags?.length, revisit: () => row.revisit, comment: () => row.comment,
      corrected: () => row.versions > 1, open: () => row.state === "open", locked: () => row.state === "locked",
      later: () => row.state === "later",
    };
    return by[this.state.value]() && (!wanted || String(row.number) === wanted);
  }

  fill() {
    const rows = this.rows.filter((row) => this.matches(row)).reverse().slice(0, 300);
    this.body.replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      const open = document.createElement("button");
      open.type = "button";
      open.textContent = row.number ?? "–";
      open.setAttribute("aria-label", row.number ? `Open exam ${row.number}` : "Open an exam that was put off");
      open.addEventListener("click", () => { this.dialog.close(); this.onOpen(row.handle); });
      const said = row.flags?.length ? row.flags.map((flag) => this.titles.get(flag)).join(", ")
        : Object.entries(row.grades ?? {}).map(([, level]) => level ?? "n/a").join(" ");
      const marks = [row.revisit ? "another look" : "", row.comment ? "comment" : "", row.versions > 1 ? `${row.versions} versions` : ""];
      const cells = [open, said, marks.filter(Boolean).join(", "), row.written?.slice(0, 16).replace("T", " ") ?? "", STATES[row.state]];
      for (const content of cells) {
        const cell = document.createElement("td");
        cell.append(content);
        line.append(cell);
      }
      return line;
    }));
    this.dialog.querySelector(".none").hidden = rows.length > 0;
  }
}

// The consensus session's form: the readings side by side, and what is decided where they differ.

import { holds } from "./rules.js";

const name = (i) => String.fromCharCode(65 + i);

export class Decision {
  constructor(element, fields) {
    Object.assign(this, { element, known: fields, current: 0 });
  }

  begin(exam, draft = null) {
    this.exam = exam;
    this.chosen = { ...(draft?.values ?? exam.before?.values ?? {}) };
    for (const name of Object.keys(this.chosen)) if (this.chosen[name] === null) delete this.chosen[name];
    this.current = 0;
    const open = exam.fields;
    const rest = this.known.filter((field) => !open.includes(field.name) && this.worthShowing(field));
    this.element.querySelector("thead tr").replaceChildren(
      cell("th", ""), ...exam.sides.map((_, i) => cell("th", name(i))), cell("th", "Decision"),
    );
    this.element.querySelector(".open").replaceChildren(...open.map((field) => this.line(field)));
    this.element.querySelector(".agreed").replaceChildren(
      ...rest.map((field) => {
        const row = document.createElement("tr");
        row.append(cell("th", field.title), ...this.sides(field), cell("td", ""));
        return row;
      }),
    );
    this.element.querySelector(".remarks").replaceChildren(
      ...exam.sides.flatMap((side, i) => {
        const words = [side.revisit ? "asks for another look" : "", side.comment].filter(Boolean).join(": ");
        return words ? [cell("p", `${name(i)} ${words}`)] : [];
      }),
    );
    this.mark(true);
  }

  worthShowing(field) {
    return field.levels.length > 0 || this.exam.sides.some((side) => side.values[field.name]);
  }

  sides(field) {
    return this.exam.sides.map((side) => cell("td", say(field, side.values[field.name])));
  }

  line(field_name) {
    const field = this.known.find((one) => one.name === field_name);
    const row = document.createElement("tr");
    row.dataset.field = field.name;
    const choice = document.createElement("td");
    choice.className = "choice";
    const levels = field.levels.length ? field.levels.map(([level]) => level) : [0, 1];
    for (const level of levels) {
      const button = cell("button", field.levels.length ? String(level) : say(field, level));
      button.type = "button";
      button.value = level;
      button.title = field.levels.find(([one]) => one === level)?.[1] ?? "";
      button.setAttribute("aria-label", `${field.title}: ${button.textContent}${button.title ? `, ${button.title}` : ""}`);
      button.addEventListener("click", () => this.choose(field.name, level));
      choice.append(button);
    }
    row.append(cell("th", field.title), ...this.sides(field), choice);
    return row;
  }

  choose(field, level) {
    this.chosen[field] = level;
    const next = this.exam.fields.findIndex((one) => !(one in this.chosen));
    this.current = next >= 0 ? next : this.exam.fields.indexOf(field);
    this.mark();
  }

  // A digit decides the current line: a level, or 0 and 1 for a finding.
  level(digit) {
    const field = this.exam.fields[this.current];
    const button = this.element.querySelector(`tr[data-field="${field}"] button[value="${digit}"]`);
    button?.click();
    return Boolean(button);
  }

  // A letter takes a reader's side in the current line.
  side(letter) {
    const side = this.exam.sides[letter.toUpperCase().charCodeAt(0) - 65];
    const field = this.exam.fields[this.current];
    if (side?.values[field] === undefined) return false;
    this.choose(field, side.values[field]);
    return true;
  }

  turnTo(number) {
    this.current = (number + this.exam.fields.length) % this.exam.fields.length;
    this.mark();
  }

  // An item that does not apply, by what has been decided, needs no decision.
  isAbsent(name) {
    const rule = this.known.find((field) => field.name === name)?.absent;
    return Boolean(rule) && holds(rule, { ...this.exam.settled, ...this.chosen }) === true;
  }

  mark(begins = false) {
    this.exam.fields.forEach((field, i) => {
      const row = this.element.querySelector(`tr[data-field="${field}"]`);
      row.classList.toggle("absent", this.isAbsent(field));
      row.classList.toggle("current", i === this.current);
      for (const button of row.querySelectorAll("button")) {
        const on = Number(button.value) === this.chosen[field];
        button.classList.toggle("on", on);
        button.setAttribute("aria-pressed", String(on));
      }
    });
    if (!begins) this.onChange?.();
  }

  get problem() { return null; }

  get missing() {
    const field = this.exam.fields.find((one) => !(one in this.chosen) && !this.isAbsent(one));
    return field ? this.element.querySelector(`tr[data-field="${field}"]`) : null;
  }

  get values() {
    return Object.fromEntries(this.exam.fields.map((field) => [field, this.isAbsent(field) ? null : this.chosen[field]]));
  }
}

function say(field, value) {
  if (value === undefined) return "not graded";
  if (value === null) return "n/a";
  return field.levels.length ? String(value) : value ? "yes" : "no";
}

function cell(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

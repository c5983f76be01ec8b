// The form: what has been chosen, by mouse and by keyboard, and what goes together.

import { holds, say } from "./rules.js";

export class Form {
  constructor(element, fields) {
    this.element = element;
    this.fields = new Map(fields.map((field) => [field.name, field]));
    this.titles = new Map(fields.map((field) => [field.name, field.title]));
    this.items = [...element.querySelectorAll("[data-item]")];
    this.boxes = [...element.querySelectorAll("input[type=checkbox]")];
    this.findings = this.boxes.filter((box) => box.dataset.kind === "finding");
    this.flags = this.boxes.filter((box) => box.dataset.kind === "flag");
    this.comment = document.querySelector("#comment");
    this.revisit = document.querySelector("[name=revisit]");
    this.views = document.querySelector("#views");
    this.current = 0;
    this.items.forEach((item, i) => item.addEventListener("pointerdown", () => this.turnTo(i)));
    element.addEventListener("change", ({ target }) => {
      if (target.type === "checkbox") this.settle(target);
      this.mark();
    });
    this.comment.addEventListener("input", () => this.onChange?.());
  }

  // Begins an exam: empty, or with what was saved before.
  begin(views, before) {
    const values = before?.values ?? {};
    for (const item of this.items) {
      for (const level of item.querySelectorAll("input")) {
        level.checked = values[item.dataset.item] === Number(level.value);
      }
    }
    for (const box of this.boxes) box.checked = values[box.name] === 1;
    this.revisit.checked = before?.revisit ?? false;
    this.comment.value = before?.comment ?? "";
    this.chosen = before?.views?.length ? [...before.views] : [...views];
    this.showViews();
    this.turnTo(0);
    this.mark(true);
  }

  get flagged() { return this.flags.some((flag) => flag.checked); }

  // All that is there, whether it applies or not.
  get marks() {
    const marks = Object.fromEntries(this.findings.map((box) => [box.name, Number(box.checked)]));
    for (const item of this.items) {
      const level = item.querySelector("input:checked");
      if (level) marks[item.dataset.item] = Number(level.value);
    }
    return marks;
  }

  get values() {
    const flags = Object.fromEntries(this.flags.map((flag) => [flag.name, Number(flag.checked)]));
    if (this.flagged) return flags;
    const values = this.marks;
    for (const item of this.items) if (this.isAbsent(item, values)) delete values[item.dataset.item];
    return { ...values, ...flags };
  }

  get content() {
    return { values: this.values, views: this.chosen, revisit: this.revisit.checked, comment: this.comment.value.trim() };
  }

  isAbsent(item, marks = this.marks) {
    const rule = this.fields.get(item.dataset.item).absent;
    return Boolean(rule) && holds(rule, marks) === true;
  }

  get missing() {
    if (this.flagged) return null;
    return this.items.find((item) => !item.querySelector("input:checked") && !this.isAbsent(item)) ?? null;
  }

  // A finding that the grades rule out, and why.
  get problem() {
    if (this.flagged) return null;
    const { values } = this;
    for (const box of this.findings) {
      const { needs, title } = this.fields.get(box.name);
      if (box.checked && needs && holds(needs, values) === false) {
        return { element: box.closest("label"), text: `${title} doesn't go with these grades: it needs ${say(needs, this.titles)}.` };
      }
    }
    return null;
  }

  turnTo(number) {
    if (!this.items.length) return;
    this.current = (number + this.items.length) % this.items.length;
    this.items.forEach((item, i) => item.classList.toggle("current", i === this.current && this.items.length > 1));
    this.items[this.current].scrollIntoView({ block: "nearest" });
  }

  // A digit: the level of the current item, then on to the next.
  level(digit) {
    const level = this.items[this.current]?.querySelector(`input[value="${digit}"]`);
    if (!level) return false;
    if (this.flagged || this.isAbsent(this.items[this.current])) {
      this.onSay?.("Not applicable here: no grade is taken.");
      return true;
    }
    level.checked = true;
    if (this.current + 1 < this.items.length) this.turnTo(this.current + 1);
    this.mark();
    return true;
  }

  toggle(key) {
    const box = this.boxes.find((one) => one.dataset.key === key);
    if (!box) return false;
    box.checked = !box.checked;
    this.settle(box);
    this.mark();
    return true;
  }

  toggleRevisit() {
    this.revisit.checked = !this.revisit.checked;
    this.mark();
  }

  // What one finding brings along, and what it takes away.
  settle(box) {
    const by = (name) => this.findings.find((one) => one.name === name);
    const title = (one) => `'${this.titles.get(one.name)}'`;
    if (this.flags.includes(box)) {
      if (box.checked) for (const flag of this.flags) if (flag !== box) flag.checked = false;
      return;
    }
    const field = this.fields.get(box.name);
    if (!field?.implies) return;
    if (box.checked) {
      const gone = field.excludes.map(by).filter((one) => one?.checked);
      for (const one of gone) one.checked = false;
      const brought = field.implies.map(by).filter((one) => one && !one.checked);
      for (const one of brought) one.checked = true;
      const words = [
        brought.length ? `sets ${brought.map(title).join(", ")}` : "",
        gone.length ? `takes back ${gone.map(title).join(", ")}` : "",
      ].filter(Boolean).join(" and ");
      if (words) this.onSay?.(`${field.title} ${words}.`);
      return;
    }
    const holding = this.findings.filter((one) => one.checked && this.fields.get(one.name).implies?.includes(box.name));
    if (holding.length) {
      box.checked = true;
      this.onSay?.(`${holding.map(title).join(", ")} implies ${title(box)}; take that back first.`);
    }
  }

  mark(begins = false) {
    const marks = this.marks;
    for (const item of this.items) {
      const absent = this.flagged || this.isAbsent(item, marks);
      item.classList.toggle("graded", Boolean(item.querySelector("input:checked")));
      item.classList.toggle("absent", absent);
      for (const level of item.querySelectorAll("input")) level.disabled = absent;
    }
    for (const box of this.findings) box.disabled = this.flagged;
    const wrong = this.problem?.element;
    for (const box of this.findings) box.closest("label").classList.toggle("wrong", box.closest("label") === wrong);
    this.element.classList.toggle("flagged", this.flagged);
    if (!begins) this.onChange?.();
  }

  showViews() {
    this.views.replaceChildren(
      ...this.chosen.map((view, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = `${i + 1} ${view ?? "view?"}`;
        button.classList.toggle("unknown", !view);
        button.addEventListener("click", () => this.turnView(i));
        return button;
      }),
    );
    this.onViews?.(this.chosen);
  }

  turnView(i) {
    if (!this.chosen || i >= this.chosen.length) return;
    const names = ["ap", "lateral", "oblique"];
    this.chosen[i] = names[(names.indexOf(this.chosen[i]) + 1) % names.length];
    this.showViews();
    this.onChange?.();
  }
}

// The form: what has been chosen, by mouse and by keyboard.

export class Form {
  constructor(element) {
    this.element = element;
    this.items = [...element.querySelectorAll("[data-item]")];
    this.boxes = [...element.querySelectorAll("input[type=checkbox]")];
    this.findings = this.boxes.filter((box) => box.dataset.kind === "finding");
    this.flags = this.boxes.filter((box) => box.dataset.kind === "flag");
    this.comment = element.querySelector("textarea");
    this.revisit = element.querySelector("[name=revisit]");
    this.views = element.querySelector(".views");
    this.current = 0;
    this.items.forEach((item, i) => item.addEventListener("pointerdown", () => this.turnTo(i)));
    element.addEventListener("change", () => this.mark());
  }

  // Begins an exam: empty, or with what was saved before.
  begin(views, before, fields = null) {
    this.fields = fields && new Set(fields);
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
    this.mark();
  }

  get values() {
    const values = {};
    for (const item of this.items) {
      const level = item.querySelector("input:checked");
      if (level) values[item.dataset.item] = Number(level.value);
    }
    const flagged = this.flags.some((flag) => flag.checked);
    for (const finding of this.findings) if (!flagged || finding.checked) values[finding.name] = Number(finding.checked);
    for (const flag of this.flags) values[flag.name] = Number(flag.checked);
    return values;
  }

  get content() {
    return { values: this.values, views: this.chosen, revisit: this.revisit.checked, comment: this.comment.value.trim() };
  }

  get missing() {
    if (this.flags.some((flag) => flag.checked)) return null;
    return this.items.find((item) => !item.querySelector("input:checked")) ?? null;
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
    level.checked = true;
    if (this.current + 1 < this.items.length) this.turnTo(this.current + 1);
    this.mark();
    return true;
  }

  toggle(key) {
    const box = this.boxes.find((one) => one.dataset.key === key);
    if (!box) return false;
    box.checked = !box.checked;
    this.mark();
    return true;
  }

  mark() {
    for (const item of this.items) item.classList.toggle("graded", Boolean(item.querySelector("input:checked")));
    this.element.classList.toggle("flagged", this.flags.some((flag) => flag.checked));
    this.onChange?.();
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
    if (i >= this.chosen.length) return;
    const names = ["ap", "lateral", "oblique"];
    this.chosen[i] = names[(names.indexOf(this.chosen[i]) + 1) % names.length];
    this.showViews();
  }
}

// Who is present at a consensus session: all sign its decisions by name.

const KEPT = `present:${document.body.dataset.store}`;
const field = document.querySelector("#present input");

if (field) {
  field.value = sessionStorage.getItem(KEPT) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(KEPT, field.value));
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") { field.blur(); event.preventDefault(); } });
}

export const present = () => (field?.value ?? "").split(",").map((name) => name.trim()).filter(Boolean);

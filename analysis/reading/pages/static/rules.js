// Rules of the scheme, as trees: [sign, left, right], ["and" | "or", ...], ["not", one]; names and numbers as they are.

const compare = {
  ">=": (a, b) => a >= b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, "<": (a, b) => a < b,
  "==": (a, b) => a === b, "!=": (a, b) => a !== b,
};

function names(branch) {
  if (Array.isArray(branch)) return branch.slice(1).flatMap(names);
  return typeof branch === "string" ? [branch] : [];
}

function value(branch, values) {
  if (typeof branch === "string") return values[branch];
  if (!Array.isArray(branch)) return branch;
  const [sign, ...parts] = branch;
  const found = parts.map((part) => value(part, values));
  if (sign === "and") return found.every(Boolean);
  if (sign === "or") return found.some(Boolean);
  if (sign === "not") return !found[0];
  if (sign === "+") return found[0] + found[1];
  return compare[sign](...found);
}

// Null where a value that the rule rests on is missing.
export function holds(branch, values) {
  if (names(branch).some((name) => values[name] === undefined || values[name] === null)) return null;
  return Boolean(value(branch, values));
}

export function say(branch, titles) {
  if (typeof branch === "string") return titles.get(branch) ?? branch;
  if (!Array.isArray(branch)) return String(branch);
  const [sign, ...parts] = branch;
  const said = parts.map((part) => say(part, titles));
  if (sign === "not") return `not ${said[0]}`;
  return said.join(` ${sign.replace(">=", "≥").replace("<=", "≤")} `);
}

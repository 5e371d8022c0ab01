// What a piece gets besides its metal: read from the form for pricing, kept for whoever loads the page again, and what of it was refused.
const stonesOf = (form) => [...form.querySelectorAll("[data-stone]")];
const filled = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

// As pricing takes it; what is not chosen is not there.
export function chosenOptions(form) {
  const { plating, engraving, height } = form.elements;
  const options = {};
  const stones = stonesOf(form).filter((field) => field.valueAsNumber > 0);
  if (stones.length > 0) options.stones = Object.fromEntries(stones.map((field) => [field.dataset.stone, field.valueAsNumber]));
  if (plating?.value) options.plating = plating.value;
  if (engraving?.value.trim()) options.engraving = { text: engraving.value.trim(), height_mm: height.value || height.defaultValue };
  return options;
}

// What is remembered in this browser: not the words, which are nobody's business who sits here next.
export function keptOptions(form) {
  const { stones = {}, plating = "" } = chosenOptions(form);
  return { stones, plating, height: form.elements.height?.value ?? "" };
}

export function restoreOptions(form, { stones = {}, plating = "", height = "" }) {
  for (const field of stonesOf(form)) field.value = stones[field.dataset.stone] ?? 0;
  const { plating: choice, height: letters } = form.elements;
  if (choice && [...choice.options].some((option) => option.value === plating)) choice.value = plating;
  if (letters && height) letters.value = height;
}

export function forgetRefusals(form) {
  for (const line of form.querySelectorAll("[data-refused]")) line.hidden = true;
}

// Says beside the fields what pricing refused; false for what is no matter of theirs.
export function tellRefusal(form, { code, problem }) {
  const line = [...form.querySelectorAll("[data-refused]")].find((each) => each.dataset.refused === code);
  if (!line) return false;
  line.textContent = filled(line.dataset.text, problem);
  line.hidden = false;
  return true;
}

// A key for the wish that tells nothing of it: keys are stored, and the words of an engraving are not theirs to keep.
export async function keyOf(wish) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(wish));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

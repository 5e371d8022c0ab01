// What was chosen for the last few models, in this browser: whoever loads the page again finds it as it was.
const { memory } = window.alexandrite;
const NAME = "made";
const MODELS_MAX = 20;

function all() {
  try {
    return JSON.parse(memory.get(NAME)) ?? {};
  } catch {
    return {};
  }
}

export const kept = (fileId) => all()[fileId] ?? {};

export function keep(fileId, more) {
  const { [fileId]: before, ...others } = all();
  const entries = [...Object.entries(others), [fileId, { ...before, ...more }]];
  memory.set(NAME, JSON.stringify(Object.fromEntries(entries.slice(-MODELS_MAX))));
}

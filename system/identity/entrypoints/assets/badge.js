// The sign-in of a workstation: keys go to the field wherever the keyboard is, a keypad types into it, and a badge that nobody follows up is forgotten.
(() => {
  const page = document.querySelector(".at-bench");
  const field = page.querySelector("[data-typed]");
  const keypad = page.querySelector("[data-keypad]");

  if (page.dataset.returnsTo) {
    setTimeout(() => location.replace(page.dataset.returnsTo), Number(page.dataset.returnsAfterS) * 1000 + 1000);
  }
  if (!field) return;

  window.addEventListener("keydown", (event) => {
    if (!/^[0-9]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea")) return;
    event.preventDefault();
    field.value += event.key;
    field.focus();
  });

  if (!keypad) return;
  keypad.hidden = false;
  page.querySelector("[data-without-keypad]").hidden = true;
  // The keypad is here already: the one of the device would only cover it.
  field.inputMode = "none";
  keypad.addEventListener("click", (event) => {
    const key = event.target.closest("button[type='button']");
    if (!key) return;
    field.value = "erase" in key.dataset ? field.value.slice(0, -1) : field.value + key.dataset.key;
    // So that Enter sends what was typed, and does not press the key again.
    field.focus();
  });
})();

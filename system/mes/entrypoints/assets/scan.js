// A barcode scanner types like somebody very quick, into whatever has the keyboard: its keys are no shortcuts, they belong to its field.
(() => {
  const field = document.querySelector("[data-scan]");
  const QUICK_MS = 35;
  let first = "";
  let at = -Infinity;

  // In the capturing phase of the window: before anybody else takes the key for a command.
  window.addEventListener(
    "keydown",
    (event) => {
      const printable = event.key?.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
      if (!printable || event.target.closest?.("input, select, textarea")) return;
      const quick = event.timeStamp - at < QUICK_MS;
      at = event.timeStamp;
      if (!quick) {
        first = event.key;
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      field.value = first + event.key;
      field.focus();
    },
    true,
  );
})();

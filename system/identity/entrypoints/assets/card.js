// The card of a badge: a button to print it, where there is a script to do so.
(() => {
  const button = document.querySelector("[data-print]");
  button.addEventListener("click", () => window.print());
  button.hidden = false;
})();

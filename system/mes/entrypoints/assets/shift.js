// The shift lead's page asks for itself again: that nobody answers is said by the bar at the top, not every few seconds anew.
(() => {
  const { connection } = window.alexandrite;
  for (const part of document.querySelectorAll("[data-refreshed]")) {
    for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
      part.addEventListener(failure, (event) => {
        event.stopPropagation();
        connection(true);
      });
    }
    part.addEventListener("htmx:afterOnLoad", () => connection(false));
  }
})();

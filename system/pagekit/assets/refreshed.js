// Parts of a page that ask for themselves again (data-refreshed). That nobody answers is said by the bar at the top, not every few seconds
// anew; and a table that somebody moved aside stays where it is.
(() => {
  const { connection } = window.alexandrite;
  for (const part of document.querySelectorAll("[data-refreshed]")) {
    let moved = [];
    for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
      part.addEventListener(failure, (event) => {
        event.stopPropagation();
        connection(true);
      });
    }
    part.addEventListener("htmx:beforeSwap", () => {
      moved = [...part.querySelectorAll(".scroll[id]")].map((table) => [table.id, table.scrollLeft]);
    });
    part.addEventListener("htmx:afterSwap", () => {
      for (const [id, left] of moved) document.getElementById(id)?.scrollTo({ left, behavior: "instant" });
    });
    part.addEventListener("htmx:afterOnLoad", () => connection(false));
  }
})();

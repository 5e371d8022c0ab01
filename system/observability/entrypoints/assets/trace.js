// An order that is still open goes on: its trace is shown afresh every few seconds, while somebody looks at it.
(() => {
  const EVERY_MS = 5000;
  setInterval(() => {
    const followed = document.querySelector("#trace[data-follow]");
    if (followed && !document.hidden) window.alexandrite.showAfresh("trace", followed.dataset.follow + location.search);
  }, EVERY_MS);
})();

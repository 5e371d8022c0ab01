// A session whose short token ran out goes on by itself: whoever comes back finds the cart as they left it.
(() => {
  const { memory, refreshSession } = window.alexandrite;
  if (document.body.dataset.user || memory.get("session") !== "open") return;
  refreshSession()
    .then((open) => open && location.reload())
    .catch(() => {});
})();

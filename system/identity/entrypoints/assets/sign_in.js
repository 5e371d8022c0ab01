// A session whose short token ran out goes on by itself: the reader never sees the sign-in, and a guest signs up as that guest.
(() => {
  const form = document.querySelector("form[data-resume]");
  const { memory, refreshSession } = window.alexandrite;
  if (!form || memory.get("session") !== "open") return;
  form.setAttribute("aria-busy", "true");
  refreshSession()
    .then((open) => {
      if (open) location.replace(form.dataset.resume);
      else form.removeAttribute("aria-busy");
    })
    .catch(() => form.removeAttribute("aria-busy"));
})();

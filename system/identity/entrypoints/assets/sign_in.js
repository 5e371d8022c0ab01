// A session whose short token ran out goes on by itself, and the reader never sees this page.
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

// Reminders while a page is open: when one of mine changes or comes due, the number in the header and the lists are asked for again.
(() => {
  const ASK_AFTER_MS = 300;
  const badge = document.querySelector('[data-badge="/crm/reminders"]');
  if (!badge) return;
  let asking = 0;

  // What somebody has open or stands on is left alone: the next change asks again.
  const isBusy = (list) => list.querySelector("details[open], .htmx-request, .problem") || list.contains(document.activeElement);

  async function ask() {
    asking = 0;
    try {
      const answer = await fetch("/crm/reminders/count", { redirect: "error" });
      if (!answer.ok) return;
      badge.textContent = await answer.text();
      badge.hidden = badge.textContent === "0";
    } catch {
      // A number that cannot be had now stays as it was.
      return;
    }
    for (const list of document.querySelectorAll("[data-stirred]")) {
      if (!isBusy(list)) htmx.trigger(list, "stirred");
    }
  }

  window.alexandrite.follow("/crm/events", {
    since: badge.dataset.since,
    name: "reminder",
    onChange(change) {
      // Nobody's by name is any administrator's: the server knows who is one.
      if (change.for_id && change.for_id !== document.body.dataset.user) return;
      asking = asking || setTimeout(ask, ASK_AFTER_MS);
    },
  });

  document.addEventListener("htmx:afterSwap", () => window.alexandrite.clocks());
})();

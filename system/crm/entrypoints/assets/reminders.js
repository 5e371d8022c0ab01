// What waits for somebody while a page is open: when a reminder of mine, or a customer's return or complaint, stirs, its number in the
// header and its lists are asked for again.
(() => {
  const ASK_AFTER_MS = 300;

  // What somebody has open or stands on is left alone: the next change asks again.
  const isBusy = (list) => list.querySelector("details[open], .htmx-request, .problem") || list.contains(document.activeElement);

  function keepFresh({ name, place, lists, concernsMe = () => true }) {
    const badge = document.querySelector(`[data-badge="${place}"]`);
    if (!badge) return;
    let asking = 0;

    async function ask() {
      asking = 0;
      try {
        const answer = await fetch(`${place}/count`, { redirect: "error" });
        if (!answer.ok) return;
        badge.textContent = await answer.text();
        badge.hidden = badge.textContent === "0";
      } catch {
        // A number that cannot be had now stays as it was.
        return;
      }
      for (const list of document.querySelectorAll(lists)) {
        if (!isBusy(list)) htmx.trigger(list, "stirred");
      }
    }

    window.alexandrite.follow("/crm/events", {
      since: badge.dataset.since,
      name,
      onChange(change) {
        if (!concernsMe(change)) return;
        asking = asking || setTimeout(ask, ASK_AFTER_MS);
      },
    });
  }

  keepFresh({
    name: "reminder",
    place: "/crm/reminders",
    lists: "[data-stirred]",
    // Nobody's by name is any administrator's: the server knows who is one.
    concernsMe: (change) => !change.for_id || change.for_id === document.body.dataset.user,
  });
  keepFresh({ name: "case", place: "/crm/cases", lists: '[data-stirs="case"]' });

  document.addEventListener("htmx:afterSwap", () => window.alexandrite.clocks());
})();

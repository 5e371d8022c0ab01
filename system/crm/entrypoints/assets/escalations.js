// The administrators' list while it is open: asked for again when an order that is on it, or comes on it, changes.
(() => {
  const ASK_AFTER_MS = 300;
  const list = document.getElementById("escalated");
  const { follow, keys, rowsOf, clocks } = window.alexandrite;
  let asking = 0;

  follow("/crm/events", {
    since: list.dataset.since,
    name: "order",
    onChange(change) {
      if (change.escalated !== "administrators" && !document.getElementById(`o-${change.order_id}`)) return;
      asking =
        asking ||
        setTimeout(() => {
          asking = 0;
          htmx.trigger(list, "changed");
        }, ASK_AFTER_MS);
    },
  });

  list.addEventListener("htmx:afterSwap", () => {
    document.querySelector(".empty").hidden = rowsOf(list).length > 0;
    clocks();
  });

  keys(list);
})();

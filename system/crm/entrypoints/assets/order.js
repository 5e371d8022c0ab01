// One order while it is open: it is shown anew when it changes, unless somebody writes on it; keys lead to what can be done.
(() => {
  const { follow, showAfresh, clocks } = window.alexandrite;
  const shown = () => document.getElementById("order");
  const first = shown();

  async function refresh() {
    await showAfresh("order", `/crm/orders/${first.dataset.order}`);
    clocks();
  }

  follow("/crm/events", {
    since: first.dataset.since,
    name: "order",
    onChange(change) {
      if (change.order_id !== shown().dataset.order) return;
      refresh();
      htmx.trigger("#story", "refresh");
    },
  });

  follow("/crm/events", {
    since: first.dataset.since,
    name: "case",
    onChange(change) {
      if (change.order_id === shown().dataset.order) refresh();
    },
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    clocks();
    if (event.detail.requestConfig?.verb === "post") htmx.trigger("#story", "refresh");
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const act = {
      KeyA: () => shown().querySelector('[data-action="approval"] button')?.focus(),
      KeyR: () => {
        const fold = shown().querySelector('[data-fold="rejection"]');
        if (!fold) return;
        fold.open = true;
        fold.querySelector("[name=reason]").focus();
      },
      KeyN: () => shown().querySelector("[data-next]")?.click(),
    }[event.code];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();

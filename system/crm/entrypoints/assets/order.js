// One order while it is open: it is shown anew when it changes, unless somebody writes on it; keys lead to what can be done.
(() => {
  const { follow, say, clocks, made } = window.alexandrite;
  const shown = () => document.getElementById("order");
  const first = shown();

  function isBusy(order) {
    const written = [...order.querySelectorAll("[name=reason], [name=text]")].some((field) => field.value !== "");
    return written || order.querySelector(".htmx-request") !== null;
  }

  async function refresh() {
    let fresh;
    try {
      const address = `/crm/orders/${first.dataset.order}`;
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, redirect: "error" });
      // What cannot be had now stays as it was: the next change asks again.
      if (!answer.ok) return;
      fresh = made(await answer.text());
    } catch {
      return;
    }
    // From here on nothing waits: nobody opens or writes anything between the look and the change.
    const order = shown();
    if (isBusy(order)) {
      say(order.dataset.changed);
      return;
    }
    // What was said, opened and looked at stays: the order changed, not the person's mind.
    const problem = order.querySelector(":scope > .problem");
    const open = [...order.querySelectorAll("details[data-fold][open]")].map((fold) => fold.dataset.fold);
    const at = order.contains(document.activeElement) && document.activeElement.closest("[data-action]");
    order.replaceWith(fresh);
    htmx.process(fresh);
    if (problem) fresh.querySelector(".head").after(problem);
    for (const name of open) fresh.querySelector(`[data-fold="${name}"]`)?.setAttribute("open", "");
    if (at) fresh.querySelector(`[data-action="${at.dataset.action}"] :is(input:not([type=hidden]), textarea, button)`)?.focus({ preventScroll: true });
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

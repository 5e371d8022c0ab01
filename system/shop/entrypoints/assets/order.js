// The customer's order while it is open: it is shown anew when it changes, unless something is being written on it.
(() => {
  const { follow, say } = window.alexandrite;
  const shown = () => document.getElementById("order");
  const address = `/shop/orders/${shown().dataset.order}`;

  function isBusy(order) {
    const written = [...order.querySelectorAll("[name=reason], [name=text]")].some((field) => field.value !== "");
    return written || order.querySelector(".htmx-request") !== null;
  }

  async function refresh() {
    let text;
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, redirect: "error" });
      // What cannot be had now stays as it was: the next change asks again.
      if (!answer.ok) return;
      text = await answer.text();
    } catch {
      return;
    }
    const order = shown();
    if (isBusy(order)) {
      say(order.dataset.changed);
      return;
    }
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("order");
    const open = [...order.querySelectorAll("details[data-fold][open]")].map((fold) => fold.dataset.fold);
    order.replaceWith(fresh);
    htmx.process(fresh);
    for (const name of open) fresh.querySelector(`[data-fold="${name}"]`)?.setAttribute("open", "");
  }

  follow(`${address}/events`, { since: shown().dataset.since, name: "order", onChange: refresh });
})();

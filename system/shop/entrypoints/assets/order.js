// The customer's order while it is open: it is shown anew when it changes, unless something is being written on it.
(() => {
  const { follow, showAfresh } = window.alexandrite;
  const shown = document.getElementById("order");
  const address = `/shop/orders/${shown.dataset.order}`;
  follow(`${address}/events`, { since: shown.dataset.since, name: "order", onChange: () => showAfresh("order", address) });
})();

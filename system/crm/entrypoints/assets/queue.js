// The approval queue while it is open: new orders take their place, what a colleague decided greys out, clocks go on.
(() => {
  const list = document.getElementById("queue");
  const { follow, keys, rowsOf, made, clocks, counter } = window.alexandrite;
  const recount = counter(() => `/crm/counts?due=${list.dataset.due}`);
  const rowOf = (id) => document.getElementById(`o-${id}`);

  // As the server sorts: by deadline, then by id.
  const later = (one, other) => {
    const difference = Date.parse(one.dataset.due) - Date.parse(other.dataset.due);
    return difference === 0 ? one.id > other.id : difference > 0;
  };

  function fits(row) {
    const { due, margin } = list.dataset;
    const left = Date.parse(row.dataset.due) - Date.now();
    return row.dataset.waits === "yes" && (!due || left <= (due === "overdue" ? 0 : Number(margin) * 1000));
  }

  function insert(row) {
    const next = rowsOf(list).find((other) => later(other, row));
    const more = list.querySelector(":scope > .more");
    // Later than all that is loaded: it comes with the next page.
    if (!next && more) return;
    list.insertBefore(row, next || more || null);
    document.querySelector(".empty").hidden = true;
    row.classList.add("fresh");
  }

  follow("/crm/events", {
    since: list.dataset.since,
    name: "order",
    onChange(change) {
      const row = made(change.row);
      const present = rowOf(change.order_id);
      if (present) {
        const current = present.classList.contains("current");
        const focused = present.contains(document.activeElement);
        present.replaceWith(row);
        row.classList.toggle("current", current);
        if (focused) row.focus({ preventScroll: true });
      } else if (fits(row)) insert(row);
      else return;
      clocks();
      recount();
    },
  });

  keys(list, { KeyN: () => list.querySelector(":scope > .waits .what")?.click() });
})();

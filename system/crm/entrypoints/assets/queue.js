// The approval queue while it is open: new orders take their place, what a colleague decided greys out, clocks go on.
(() => {
  const list = document.getElementById("queue");
  const { follow, keys, rowsOf, made, clocks } = window.alexandrite;
  const COUNT_AFTER_MS = 700;
  const COUNT_MISS_MS = 2000;
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

  let counting = 0;
  let counted = 0;
  function recount() {
    if (counting) return;
    counting = setTimeout(async () => {
      counting = 0;
      counted = Date.now();
      try {
        const answer = await fetch(`/crm/counts?due=${list.dataset.due}`, { redirect: "error" });
        // Numbers that cannot be had now stay as they were: the next change asks again.
        if (answer.ok) document.getElementById("counts").replaceWith(made(await answer.text()));
      } catch {
        // As above.
      }
    }, Math.max(COUNT_AFTER_MS, counted + COUNT_MISS_MS - Date.now()));
  }

  keys(list, { KeyN: () => list.querySelector(":scope > .waits .what")?.click() });
})();

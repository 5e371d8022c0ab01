// A list that is worked through with the keyboard: J and K or the arrows from row to row, Enter opens, / searches.
// alexandrite.keys(list, {KeyT: (row) => ...})
(() => {
  const { made } = window.alexandrite;
  const CLOCK_MS = 20000;
  const COUNT_AFTER_MS = 700;
  const COUNT_MISS_MS = 2000;
  const rowsOf = (list) => [...list.querySelectorAll(":scope > .row")];

  function enter(list, row, { scroll = true } = {}) {
    list.querySelector(":scope > .row.current")?.classList.remove("current");
    row.classList.add("current");
    row.focus({ preventScroll: true });
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  function keys(list, more = {}) {
    const current = () => list.querySelector(":scope > .row.current");
    function go(step) {
      const all = rowsOf(list);
      const row = all[Math.max(0, Math.min(all.length - 1, all.indexOf(current()) + step))];
      if (row) enter(list, row);
    }
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
      // By place on the keyboard: the same key whatever the language of the layout.
      const act = {
        KeyJ: () => go(1),
        ArrowDown: () => go(1),
        KeyK: () => go(-1),
        ArrowUp: () => go(-1),
        Slash: () => document.querySelector("[data-search]")?.focus(),
      }[event.code];
      const special = more[event.code];
      if (act || special) {
        event.preventDefault();
        if (act) act();
        else special(current());
      } else if (event.code === "Enter" && event.target.matches(".row")) {
        event.target.querySelector(".what").click();
      }
    });
  }

  // A picture that is drawn after its row came takes its place by itself: a placeholder is asked for again, a few times, each later than
  // browsers keep it.
  const AGAIN_AFTER_MS = [11000, 30000, 60000];
  const PLACEHOLDER_PX = 48;
  function askAgain(picture) {
    const tries = Number(picture.dataset.tries || 0);
    if (picture.naturalWidth !== PLACEHOLDER_PX || tries === AGAIN_AFTER_MS.length) return;
    picture.dataset.tries = String(tries + 1);
    setTimeout(() => {
      if (!picture.isConnected) return;
      // Under the same address a browser would show what it has.
      const address = new URL(picture.src);
      address.searchParams.set("again", picture.dataset.tries);
      picture.src = address.href;
    }, AGAIN_AFTER_MS[tries]);
  }
  document.addEventListener("load", (event) => event.target.matches?.("img.thumbnail") && askAgain(event.target), true);
  for (const picture of document.querySelectorAll("img.thumbnail")) if (picture.complete) askAgain(picture);

  // [data-clock="moment"]: how long until then, or since; late once it is over.
  const UNITS = [
    ["week", 604800],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const spoken = new Intl.RelativeTimeFormat(document.documentElement.lang);
  function clocks() {
    for (const clock of document.querySelectorAll("[data-clock]")) {
      const left = (Date.parse(clock.dataset.clock) - Date.now()) / 1000;
      const [unit, seconds] = UNITS.find(([, size]) => Math.abs(left) >= size * 1.2) || UNITS.at(-1);
      clock.textContent = spoken.format(Math.round(left / seconds), unit);
      clock.classList.toggle("late", left < 0);
      clock.classList.toggle("soon", left >= 0 && clock.dataset.risk === "yes");
    }
  }
  setInterval(clocks, CLOCK_MS);

  // The numbers of #counts, asked for a moment after something changed, and not again at once. `address()` is where they are.
  function counter(address) {
    let counting = 0;
    let counted = 0;
    return () => {
      if (counting) return;
      counting = setTimeout(async () => {
        counting = 0;
        counted = Date.now();
        try {
          const answer = await fetch(address(), { redirect: "error" });
          // Numbers that cannot be had now stay as they were: the next change asks again.
          if (answer.ok) document.getElementById("counts").replaceWith(made(await answer.text()));
        } catch {
          // As above.
        }
      }, Math.max(COUNT_AFTER_MS, counted + COUNT_MISS_MS - Date.now()));
    };
  }

  Object.assign(window.alexandrite, { rowsOf, enter, keys, clocks, counter });
})();

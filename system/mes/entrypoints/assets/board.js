// The board while it is open: rows change in place, new work slides in, keys move and take, a lost connection is shown and mended.
(() => {
  const board = document.getElementById("board");
  const { memory, say, follow, rowsOf, enter, keys, made, counter } = window.alexandrite;
  const viewer = document.body.dataset.user;
  const waiting = [];

  // -- rows -----------------------------------------------------------------------------------------------------------

  const rows = () => rowsOf(board);
  const rowOf = (id) => document.getElementById(`wo-${id}`);

  function madeRow(html) {
    const row = made(html);
    row.classList.toggle("mine", row.dataset.by !== "" && row.dataset.by === viewer);
    return row;
  }

  function fits(row) {
    const { status, material, channel, plain } = board.dataset;
    return (
      plain === "yes" &&
      row.dataset.state === status &&
      (!material || row.dataset.material === material) &&
      (!channel || row.dataset.channel === channel)
    );
  }

  // Newest approved first, as the server sorts: by moment, then by id. ISO moments of one zone compare as text.
  const later = (one, other) =>
    one.dataset.approved === other.dataset.approved
      ? one.id > other.id
      : Date.parse(one.dataset.approved) > Date.parse(other.dataset.approved);

  function insert(row) {
    const next = rows().find((other) => later(row, other));
    const more = board.querySelector(":scope > .more");
    // Older than all that is loaded: it comes with the next page.
    if (!next && more) return;
    board.insertBefore(row, next || more || null);
    htmx.process(row);
    document.querySelector(".empty").hidden = true;
    // A browser in the background has no animations, and needs none.
    row.classList.add("fresh");
  }

  function show(change) {
    const row = madeRow(change.row);
    const present = rowOf(change.work_order_id);
    if (present) {
      if (present.querySelector(".htmx-request")) return;
      const current = present.classList.contains("current");
      const focused = present.contains(document.activeElement);
      if (present.classList.contains("lost-it") && row.dataset.by === present.dataset.by) return;
      present.replaceWith(row);
      htmx.process(row);
      if (current) row.classList.add("current");
      if (focused) row.focus({ preventScroll: true });
      return;
    }
    if (!fits(row)) return;
    // Somebody who reads further down is told, and not moved.
    if (window.scrollY > 400) {
      waiting.push(row);
      tellNews();
    } else insert(row);
    if (row.dataset.state === "RELEASED") announce(row);
  }

  const news = document.querySelector("[data-news]");
  function tellNews() {
    news.hidden = waiting.length === 0;
    news.textContent = news.dataset.text.replace("{count}", String(waiting.length));
  }
  news.addEventListener("click", () => {
    window.scrollTo({ top: 0 });
    // What came first goes in first; each finds its own place.
    for (const row of waiting.splice(0)) if (!rowOf(row.id.slice(3))) insert(row);
    tellNews();
  });

  setInterval(() => {
    for (const row of rows()) {
      const waits = row.dataset.state === "RELEASED" && Date.parse(row.dataset.escalates) < Date.now();
      row.querySelector(".waits").hidden = !waits;
    }
  }, 5000);

  // On a small screen the work comes first, and the filters when they are asked for.
  const filters = document.querySelector("[data-filters]");
  if (matchMedia("(max-width: 40rem)").matches && !("used" in filters.dataset)) filters.open = false;

  // -- counts ---------------------------------------------------------------------------------------------------------

  const recount = counter(() => `/mes/counts?status=${board.dataset.status}`);

  // -- the stream -----------------------------------------------------------------------------------------------------

  follow("/mes/events", {
    since: board.dataset.since,
    name: "work-order",
    onChange(change) {
      show(change);
      recount();
    },
  });

  // -- sound and notice -----------------------------------------------------------------------------------------------

  const sound = document.querySelector("[data-sound]");
  sound.checked = memory.get("sound") === "on";
  sound.addEventListener("change", () => {
    memory.set("sound", sound.checked ? "on" : null);
    ring();
    // Asked for by a person's own press only; whoever says no still hears it.
    if (sound.checked && "Notification" in window && Notification.permission === "default") {
      Notification.requestPermission().catch(() => {});
    }
  });
  function announce(row) {
    ring();
    if (!sound.checked || !document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    const title = row.querySelector(".title").textContent;
    const notice = new Notification(sound.dataset.notice.replace("{number}", row.dataset.number), {
      body: title,
      tag: row.id,
    });
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
    });
  }
  let audio;
  function ring() {
    if (!sound.checked) return;
    audio = audio || new AudioContext();
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.value = 880;
    loudness.gain.setValueAtTime(0.15, audio.currentTime);
    loudness.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
    tone.connect(loudness).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
  }

  // -- keys -----------------------------------------------------------------------------------------------------------

  keys(board, { KeyT: (row) => row?.querySelector(".act form button")?.click() });

  document.addEventListener("htmx:afterSwap", (event) => {
    const row = event.detail.elt?.closest?.(".row") || rowOf((event.detail.target?.id || "").slice(3));
    if (!row || !event.detail.requestConfig?.path.endsWith("/claim")) return;
    if (row.dataset.by === viewer) say(board.dataset.taken.replace("{number}", row.dataset.number), "good");
    enter(board, row, { scroll: false });
    recount();
  });
})();

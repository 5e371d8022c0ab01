// What every page does: theme, a session that goes on while the page is open, and saying when nothing arrives.
(() => {
  const REFRESH_EVERY_MS = 10 * 60 * 1000;
  const SAID_FOR_MS = 8000;
  const IDLE_LOOK_MS = 15 * 1000;

  // Storage may be forbidden; then nothing is remembered beyond this page.
  const memory = {
    get(name) {
      try {
        return localStorage.getItem(name);
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        if (value === null) localStorage.removeItem(name);
        else localStorage.setItem(name, value);
      } catch {
        // See above.
      }
    },
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) {
      const root = document.documentElement;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
      memory.set("theme", root.dataset.theme);
    }
    for (const open of document.querySelectorAll("details.person[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  // A refresh token works once, and two tabs at one moment would end the session: tabs take turns.
  async function refreshSession({ unlessWithinMs = 0 } = {}) {
    return navigator.locks.request("session", async () => {
      if (Date.now() - Number(memory.get("refreshed")) < unlessWithinMs) return true;
      const answer = await fetch("/api/identity/v1/sessions/refresh", { method: "POST" });
      memory.set("refreshed", answer.ok ? String(Date.now()) : null);
      memory.set("session", answer.ok ? "open" : null);
      return answer.ok;
    });
  }

  // On a workstation that people share, a session goes on while somebody uses it, and ends when they have left. All tabs count as one.
  function keepWhileUsed(idleMs) {
    const used = () => memory.set("used", String(Date.now()));
    const since = (name) => Date.now() - Number(memory.get(name));
    let over = false;
    used();
    for (const sign of ["pointerdown", "keydown", "wheel", "touchmove"]) {
      addEventListener(sign, used, { passive: true, capture: true });
    }
    const look = () => {
      if (over) return;
      if (since("used") >= idleMs) {
        over = true;
        document.querySelector("form.change").requestSubmit();
      } else if (since("refreshed") > idleMs / 4 && since("used") < since("refreshed")) {
        refreshSession({ unlessWithinMs: idleMs / 4 }).catch(() => {});
      }
    };
    setInterval(look, Math.min(IDLE_LOOK_MS, idleMs / 8));
    document.addEventListener("visibilitychange", look);
  }

  const { user, idleS } = document.body.dataset;
  if (user) {
    memory.set("session", "open");
    if (idleS) keepWhileUsed(Number(idleS) * 1000);
    else setInterval(() => refreshSession({ unlessWithinMs: REFRESH_EVERY_MS / 2 }).catch(() => {}), REFRESH_EVERY_MS);
  }
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-ends-session]")) memory.set("session", null);
  });

  let saying;
  function say(text, kind = "") {
    const box = document.getElementById("says");
    const line = document.createElement("p");
    line.textContent = text;
    if (kind) line.dataset.kind = kind;
    box.replaceChildren(line);
    clearTimeout(saying);
    saying = setTimeout(() => box.replaceChildren(), SAID_FOR_MS);
  }

  function connection(lost) {
    const bar = document.querySelector(".lost");
    if (bar.hidden === !lost) return;
    bar.textContent = lost ? document.body.dataset.lost : "";
    bar.hidden = !lost;
  }

  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, () => say(document.body.dataset.failed, "bad"));
  }

  function made(html) {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  }

  window.alexandrite = { memory, refreshSession, say, connection, made };
})();

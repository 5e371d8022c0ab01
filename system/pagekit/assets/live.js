// A stream of changes that stays open: silence is noticed, a refusal renews the session, what was missed is caught up with.
// alexandrite.follow(address, {since, name, onChange, onLive})   whoever follows the same address hears the same stream
// alexandrite.showAfresh(id, address)                            what stands under the id as it is now, unless somebody writes on it
(() => {
  const SILENCE_MS = 15000;
  const REOPEN_MS = 2000;
  const LOOK_MS = 3000;
  const RELOAD_MS_MIN = 3000;
  const { refreshSession, connection, made, say } = window.alexandrite;
  const joining = new Map();

  window.alexandrite.follow = (address, { since, name, onChange, onLive = () => {} }) => {
    if (joining.has(address)) {
      joining.get(address)(name, onChange);
      return;
    }
    const listeners = [[name, onChange]];
    let source;
    let heard = Date.now();
    let last = since;
    let reopening = 0;

    function live(on) {
      if (on) heard = Date.now();
      const light = document.querySelector("[data-live]");
      if (light) {
        light.classList.toggle("on", on);
        light.querySelector("[data-live-text]").textContent = on ? light.dataset.on : light.dataset.off;
      }
      if (on) connection(false);
      onLive(on);
    }

    function listen(named, tell) {
      source.addEventListener(named, (event) => {
        heard = Date.now();
        last = event.lastEventId || last;
        tell(JSON.parse(event.data));
      });
    }

    function open() {
      source = new EventSource(`${address}?since=${encodeURIComponent(last)}`);
      source.addEventListener("open", () => live(true));
      source.addEventListener("beat", () => live(true));
      for (const [named, tell] of listeners) listen(named, tell);
      source.addEventListener("reload", () => {
        // More changed than can be slid in. Not everybody at one moment, and nobody again at once while it goes on.
        source.close();
        live(false);
        heard = Infinity;
        setTimeout(() => location.reload(), RELOAD_MS_MIN + Math.random() * RELOAD_MS_MIN);
      });
      source.addEventListener("error", () => {
        live(false);
        if (source.readyState === EventSource.CLOSED) reopen();
      });
    }

    // The browser reconnects by itself, except after a refusal: then the session is renewed first.
    function reopen() {
      if (reopening) return;
      source.close();
      connection(true);
      reopening = setTimeout(async () => {
        reopening = 0;
        try {
          if (!(await refreshSession({ unlessWithinMs: 20000 }))) {
            location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
            return;
          }
        } catch {
          // Not even that reached anybody: the same again.
        }
        open();
      }, REOPEN_MS);
    }

    setInterval(() => {
      if (Date.now() - heard < SILENCE_MS) return;
      live(false);
      connection(true);
      if (source.readyState !== EventSource.CONNECTING) reopen();
    }, LOOK_MS);
    window.addEventListener("pagehide", () => source.close());
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
    open();
    joining.set(address, (named, tell) => {
      listeners.push([named, tell]);
      listen(named, tell);
    });
  };

  function isBusy(shown) {
    const written = [...shown.querySelectorAll("[name=reason], [name=text]")].some((field) => field.value !== "");
    return written || shown.querySelector(".htmx-request") !== null;
  }

  window.alexandrite.showAfresh = async (id, address) => {
    let fresh;
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, redirect: "error" });
      // What cannot be had now stays as it was: the next change asks again.
      if (!answer.ok) return;
      fresh = made(await answer.text());
    } catch {
      return;
    }
    // From here on nothing waits: nobody opens or writes anything between the look and the change.
    const shown = document.getElementById(id);
    if (isBusy(shown)) {
      say(shown.dataset.changed);
      return;
    }
    // What was said, opened and looked at stays: the thing changed, not the person's mind.
    const problem = shown.querySelector(":scope > .problem");
    const open = [...shown.querySelectorAll("details[data-fold][open]")].map((fold) => fold.dataset.fold);
    const at = shown.contains(document.activeElement) && document.activeElement.closest("[data-action]");
    shown.replaceWith(fresh);
    htmx.process(fresh);
    if (problem) fresh.querySelector(".head").after(problem);
    for (const name of open) fresh.querySelector(`[data-fold="${name}"]`)?.setAttribute("open", "");
    if (at) fresh.querySelector(`[data-action="${at.dataset.action}"] :is(input:not([type=hidden]), textarea, button)`)?.focus({ preventScroll: true });
  };
})();

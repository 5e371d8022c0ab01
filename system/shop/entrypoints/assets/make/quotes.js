// A quote while it is calculated: told by pricing as it happens, or asked for each second where no stream comes through.
import { ask } from "./asking.js";

const QUOTES = "/api/pricing/v1/quotes";
const FINAL = new Set(["READY", "FAILED"]);
const ASK_EVERY_MS = 1000;
const SILENCE_MS = 8000;

export const isFinal = (quote) => FINAL.has(quote.status);
export const isOver = (quote) => quote.valid_until !== null && Date.parse(quote.valid_until) < Date.now();

// The same key is the same quote: whoever loads the page again finds the prices they had.
export const request = (wish, key) => ask("POST", QUOTES, { body: wish, key });

// Nobody waits for it any more: its calculation ends.
export const stop = (quoteId) => ask("DELETE", `${QUOTES}/${quoteId}`);

// How thick the walls of its model are, and where.
export const walls = (quoteId) => ask("GET", `${QUOTES}/${quoteId}/walls`);

// Tells the quote now and at each change, until it is final. Returns what ends it before.
export function follow(quoteId, tell) {
  const address = `${QUOTES}/${quoteId}`;
  let source = null;
  let timer = 0;
  let isEnded = false;

  function end() {
    isEnded = true;
    source?.close();
    clearTimeout(timer);
  }

  function told(quote) {
    if (isEnded) return;
    if (isFinal(quote)) end();
    tell(quote);
  }

  async function poll() {
    source?.close();
    clearTimeout(timer);
    try {
      told(await ask("GET", address));
    } catch {
      // Nobody answered: the next time, perhaps.
    }
    if (!isEnded) timer = setTimeout(poll, ASK_EVERY_MS);
  }

  function heard() {
    clearTimeout(timer);
    if (!isEnded) timer = setTimeout(poll, SILENCE_MS);
  }

  source = new EventSource(`${address}/events`);
  source.addEventListener("quote", (event) => {
    heard();
    told(JSON.parse(event.data));
  });
  for (const sign of ["open", "beat"]) source.addEventListener(sign, heard);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED && !isEnded) poll();
  });
  heard();
  return end;
}

// A cart with a piece whose price is being calculated: it is shown anew when the price is there, unless something is being changed on it.
import { follow, isFinal } from "./quotes.js";

for (const piece of document.querySelectorAll("[data-quote]")) {
  let shown = piece.dataset.price;
  follow(piece.dataset.quote, (quote) => {
    const price = quote.total ?? quote.estimate;
    if (!isFinal(quote) && (price?.amount ?? "") === shown) return;
    shown = price?.amount ?? "";
    const fields = [...document.querySelectorAll('main input:not([type="hidden"])')];
    if (fields.every((field) => field.value === field.defaultValue)) location.reload();
  });
}

// <alexandrite-chart data-kind data-values>: draws with uPlot what its table says in numbers. Nothing moves, so nothing has to be stilled
// for those who asked for less motion; without a script the table is there all the same.
(() => {
  const HEIGHT_MIN = 160;
  const HEIGHT_MAX = 260;
  const STEPS = [1, 2, 5].flatMap((step) => [0, 1, 2, 3, 4, 5, 6].map((power) => step * 10 ** power)).sort((a, b) => a - b);
  const FINE_STEPS = [-3, -2, -1].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power)).concat(STEPS);
  const DASH = [7, 4];
  // Which tables stand open, by the chart's id: a page that is refreshed leaves them so.
  const open = new Set();
  const numbers = new Intl.NumberFormat(document.documentElement.lang);

  const isStacked = (kind) => kind === "stack" || kind === "layers";

  // On top of each other: each series with all that are below it, the highest first, so that the lower ones are painted over it.
  function stacked(series) {
    const sums = [];
    for (const one of series) {
      const below = sums.at(-1);
      sums.push(one.values.map((value, place) => value + (below ? below[place] : 0)));
    }
    return sums.reverse();
  }

  function painted(kind, series, colours) {
    const order = isStacked(kind) ? [...series].reverse() : series;
    return order.map((one, place) => {
      const colour = colours[series.indexOf(one)];
      if (kind === "lines") return { label: one.name, stroke: colour, width: 2, dash: one.dashed ? DASH : undefined };
      const style = { label: one.name, stroke: colour, fill: colour, width: kind === "layers" ? 1 : 0, points: { show: false } };
      if (kind === "layers") return style;
      const beside = kind === "bars" && series.length === 2;
      const size = beside ? [0.38, 28] : [0.7, 56];
      return { ...style, paths: uPlot.paths.bars({ size, align: beside ? (place ? 1 : -1) : 0 }) };
    });
  }

  customElements.define(
    "alexandrite-chart",
    class extends HTMLElement {
      connectedCallback() {
        this.values = JSON.parse(this.dataset.values);
        this.place = this.querySelector(".plot");
        this.readout = this.querySelector(".readout");
        const table = this.querySelector("details");
        table.open = open.has(this.id);
        table.addEventListener("toggle", () => (table.open ? open.add(this.id) : open.delete(this.id)));
        this.place.hidden = false;
        this.draw();
        this.sizes = new ResizeObserver(() => this.resize());
        this.sizes.observe(this);
        this.redraw = () => this.draw();
        this.theme = new MutationObserver(this.redraw);
        this.theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
        this.scheme = matchMedia("(prefers-color-scheme: dark)");
        this.scheme.addEventListener("change", this.redraw);
      }

      disconnectedCallback() {
        this.sizes.disconnect();
        this.theme.disconnect();
        this.scheme.removeEventListener("change", this.redraw);
        this.plot.destroy();
      }

      size() {
        const width = Math.max(200, this.place.clientWidth);
        return { width, height: Math.round(Math.min(HEIGHT_MAX, Math.max(HEIGHT_MIN, width * 0.45))) };
      }

      resize() {
        const size = this.size();
        if (size.width !== this.plot.width) this.plot.setSize(size);
      }

      draw() {
        this.plot?.destroy();
        const { labels, series } = this.values;
        const { kind } = this.dataset;
        const colours = [...this.querySelectorAll(".swatch")].map((swatch) => getComputedStyle(swatch).backgroundColor);
        const own = getComputedStyle(this.readout);
        const line = getComputedStyle(this.querySelector("details")).borderTopColor;
        const font = `12px ${own.fontFamily}`;
        const axis = { stroke: own.color, font, ticks: { stroke: line, width: 1 }, grid: { stroke: line, width: 1 } };
        const edge = kind === "layers" || kind === "lines" ? 0 : 0.6;
        const isFine = this.dataset.fine !== undefined;
        const top = (most) => (isFine ? (most || 1) * 1.05 : Math.max(1, most * 1.05));
        const options = {
          ...this.size(),
          scales: {
            x: { time: false, range: () => [-edge, Math.max(1, labels.length - 1) + edge] },
            y: { range: (_, least, most) => [Math.min(0, least ?? 0), top(most ?? 0)] },
          },
          series: [{}, ...painted(kind, series, colours)],
          axes: [
            { ...axis, grid: { show: false }, size: 32, space: 56, incrs: STEPS, values: (_, at) => at.map((place) => labels[place] ?? "") },
            { ...axis, size: 48, incrs: isFine ? FINE_STEPS : STEPS, values: (_, at) => at.map((value) => numbers.format(value)) },
          ],
          legend: { show: false },
          cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
          hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
        };
        const rows = isStacked(kind) ? stacked(series) : series.map((one) => one.values);
        this.plot = new uPlot(options, [labels.map((_, place) => place), ...rows], this.place);
      }

      // What the pointer is at, in words and numbers.
      read(place) {
        const { labels, series } = this.values;
        const nowhere = place == null || labels[place] === undefined;
        const parts = nowhere ? [] : series.map((one) => `${one.name} ${one.values[place] == null ? "—" : numbers.format(one.values[place])}`);
        this.readout.textContent = nowhere ? "" : `${labels[place]}: ${parts.join(" · ")}`;
      }
    },
  );
})();

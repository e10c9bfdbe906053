// The chart of a game: both venues' mids and our fair value of "home wins" in cents, with fills and decisions marked.
// It starts from chart.json; the newest point and the markers come with the page's parts "tick" and "markers".
"use strict";
(() => {
  const canvas = document.getElementById("chart");
  if (!canvas || typeof Chart === "undefined") return;
  const note = document.getElementById("chart-state");
  const POINT_EVERY_MS = 4000;
  const names = { kalshi: "Kalshi", polymarket: "Polymarket", fair: "Fair value" };
  let chart = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--c-${name}`).trim();
  const hour = (ms) => new Date(ms).toISOString().slice(11, 16);
  const points = (pairs) => pairs.map(([x, y]) => ({ x, y }));

  // Colours are given when a set is made: Chart.js keeps those of points for as long as the chart lives.
  const line = (key, pairs) => ({
    key, label: names[key] || key, data: points(pairs), order: 2, stepped: true, borderColor: colour(key),
    borderWidth: key === "fair" ? 1.5 : 2, borderDash: key === "fair" ? [5, 4] : [],
    pointStyle: "line", pointRadius: 0, pointHitRadius: 6, pointBorderColor: colour(key),
  });
  const fills = (kind, label, tone, rotation) => ({
    key: kind, label, data: [], order: 1, showLine: false, pointStyle: "triangle", rotation, pointRadius: 7,
    pointBackgroundColor: colour(tone), pointBorderColor: colour("panel"), borderColor: colour(tone),
  });
  const decisions = () => ({
    key: "decision", label: "Decision", data: [], order: 1, showLine: false, pointStyle: "circle", pointRadius: 3,
    pointBackgroundColor: "transparent", pointBorderColor: colour("muted"), borderColor: colour("muted"),
  });

  const place = (sets, list) => {
    sets.filter((set) => set.showLine === false).forEach((set) => {
      const own = list.filter((one) => one.kind === set.key);
      set.data = own.map((one) => ({ x: one.at, y: one.price, said: one.label }));
    });
  };

  const bound = (axis) => {
    const room = Math.max((axis.max - axis.min) * 0.08, 2);
    axis.min = Math.max(Math.floor(axis.min - room), 0);
    axis.max = Math.min(Math.ceil(axis.max + room), 100);
  };
  const isDrawn = (item, data) => data.datasets[item.datasetIndex].data.length > 0;
  const options = () => ({
    animation: false, parsing: false, normalized: true, responsive: true, maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: false },
    scales: {
      x: {
        type: "linear", bounds: "data", grid: { color: colour("line") },
        ticks: { color: colour("muted"), maxTicksLimit: 7, maxRotation: 0, callback: hour },
      },
      y: {
        position: "right", grid: { color: colour("line") }, afterDataLimits: bound,
        ticks: { color: colour("muted"), maxTicksLimit: 6, callback: (value) => `${value}¢` },
      },
    },
    plugins: {
      colors: { enabled: false },
      legend: { position: "bottom", labels: { color: colour("muted"), usePointStyle: true, boxHeight: 7, filter: isDrawn } },
      tooltip: {
        callbacks: {
          title: (items) => `${new Date(items[0].parsed.x).toISOString().slice(11, 19)} UTC`,
          label: (item) => item.raw.said || `${item.dataset.label} ${item.parsed.y.toFixed(1)}¢`,
        },
      },
    },
  });

  const draw = (start) => {
    const lines = Object.entries(start.series).map(([venue, pairs]) => line(venue, pairs));
    const marks = [fills("buy", "Bought", "up", 0), fills("sell", "Sold", "down", 180), decisions()];
    place(marks, start.markers);
    const datasets = [...lines, line("fair", start.fair), ...marks];
    chart = new Chart(canvas, { type: "line", data: { datasets }, options: options() });
    note.hidden = true;
  };

  const load = async () => {
    try {
      const answer = await fetch(canvas.dataset.src, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const start = await answer.json();
      chart?.destroy();
      chart = null;
      draw(start);
    } catch {
      note.textContent = "The chart could not be loaded. It is tried again with the next connection.";
      note.hidden = false;
    }
  };

  const read = (id) => JSON.parse(document.querySelector(`#${id} data`)?.value || "null");

  const append = (key, x, y) => {
    if (y === null || y === undefined) return;
    const known = chart.data.datasets.find((one) => one.key === key);
    const set = known || line(key, []);
    if (!known) chart.data.datasets.unshift(set);
    const last = set.data.at(-2);
    if (last && x - last.x < POINT_EVERY_MS) set.data.pop();
    if (!set.data.length || x > set.data.at(-1).x) set.data.push({ x, y });
  };

  document.addEventListener("htmx:wsAfterMessage", () => {
    if (!chart || document.hidden) return;
    const tick = read("tick");
    if (!tick?.at) return;
    Object.entries(tick.series).forEach(([venue, y]) => append(venue, tick.at, y));
    append("fair", tick.at, tick.fair);
    place(chart.data.datasets, read("markers") || []);
    chart.update("none");
  });

  let opened = 0;
  document.addEventListener("htmx:wsOpen", () => { if (opened++) load(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && chart) load(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", load);
  load();
})();

// The state of the page's socket, and what a reader was doing in a part that is replaced: open details, focus,
// sideways scroll. Numbers marked with data-tick flash when they move.
"use strict";
(() => {
  const STALE_AFTER_S = 5;
  const box = document.getElementById("connection");
  if (!box) return;
  const text = document.getElementById("connection-text");
  let state = "connecting";
  let heardAt = 0;

  // 1 s, doubling up to 60 s, with jitter: pages do not come back all at once.
  htmx.config.wsReconnectDelay = (tries) => 1000 + Math.random() * (Math.min(60, 2 ** tries) * 1000 - 1000);

  const show = (name, words) => {
    if (box.dataset.state === name && text.textContent === words) return;
    box.dataset.state = name;
    text.textContent = words;
  };

  const tell = () => {
    const age = Math.round((Date.now() - heardAt) / 1000);
    if (state === "open" && !heardAt) show("waiting", "waiting for the trader");
    else if (state === "open" && age > STALE_AFTER_S) show("stale", `stale ${age} s`);
    else if (state === "open") show("live", "live");
    else if (state === "down") show("down", heardAt ? `reconnecting, stale ${age} s` : "reconnecting");
    else if (state === "out") show("down", "signed out");
    else if (state === "gone") show("down", "no longer there");
    else show("connecting", "connecting");
  };

  document.addEventListener("htmx:wsOpen", () => { state = "open"; tell(); });
  document.addEventListener("htmx:wsClose", (event) => {
    state = { 4401: "out", 4404: "gone" }[event.detail.event.code] || "down";
    tell();
  });
  document.addEventListener("htmx:wsAfterMessage", () => {
    if (document.getElementById("beat")?.dataset.event === "1") heardAt = Date.now();
    tell();
  });
  setInterval(tell, 1000);

  const focusable = (target) => [...target.querySelectorAll("a, button, summary, [tabindex]")];
  const kept = new Map();

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const target = event.detail.target;
    kept.set(target.id, {
      open: [...target.querySelectorAll("details[open][data-keep]")].map((one) => one.dataset.keep),
      focus: focusable(target).indexOf(document.activeElement),
      scroll: [...target.querySelectorAll(".scroll")].map((one) => one.scrollLeft),
      ticks: new Map([...target.querySelectorAll("[data-tick]")].map((one) => [one.dataset.tick, one.textContent])),
    });
  });

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const target = event.detail.target;
    const was = kept.get(target.id);
    if (!was) return;
    kept.delete(target.id);
    target.querySelectorAll("details[data-keep]").forEach((one) => { one.open = was.open.includes(one.dataset.keep); });
    target.querySelectorAll(".scroll").forEach((one, at) => { one.scrollLeft = was.scroll[at] || 0; });
    if (was.focus >= 0) focusable(target)[was.focus]?.focus({ preventScroll: true });
    target.querySelectorAll("[data-tick]").forEach((one) => flash(one, was.ticks.get(one.dataset.tick)));
  });

  const flash = (element, before) => {
    const [old, now] = [Number.parseFloat(before), Number.parseFloat(element.textContent)];
    if (Number.isNaN(old) || Number.isNaN(now) || old === now) return;
    element.classList.add(now > old ? "went-up" : "went-down");
  };
})();

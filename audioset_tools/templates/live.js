// A page that renews itself: a hidden frame reads the same file again and sends what it holds; what has changed
// is put in place. From disk a page can read itself in no other way. Nothing that is playing is touched, the scrolled
// place stays, and what was folded open stays open.
(() => {
  "use strict";
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const every = JSON.parse(document.getElementById("data").textContent).every;
  if (window.parent !== window) {
    const html = Object.fromEntries(parts().map((part) => [part.id, part.innerHTML]));
    window.parent.postMessage({ html, every }, "*");
    return;
  }
  if (!every) return;

  const known = new Map(parts().map((part) => [part.id, part.innerHTML]));
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.title = "the same page, read again";
  const focusable = "a[href], button, summary, audio, [tabindex]";

  const renew = (part, html) => {
    if ([...part.querySelectorAll("audio")].some((audio) => !audio.paused)) return false;
    const focused = [...part.querySelectorAll(focusable)].indexOf(document.activeElement);
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    part.innerHTML = html;
    part.querySelectorAll("details").forEach((one, n) => { one.open = Boolean(open[n]); });
    if (focused >= 0) part.querySelectorAll(focusable)[focused]?.focus({ preventScroll: true });
    return true;
  };

  let timer = 0;
  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || !event.data || !event.data.html) return;
    let left = false;
    for (const part of parts()) {
      const html = event.data.html[part.id];
      if (typeof html !== "string" || html === known.get(part.id)) continue;
      if (renew(part, html)) known.set(part.id, html);
      else left = true;
    }
    if (!event.data.every && !left) {
      clearInterval(timer);
      frame.remove();
    }
  });
  timer = setInterval(() => {
    const fresh = new URL(window.location.href);
    fresh.hash = "";
    fresh.search = `?${Date.now()}`;
    if (frame.isConnected) frame.contentWindow.location.replace(fresh.href);
    else { frame.src = fresh.href; document.body.append(frame); }
  }, every * 1000);
})();

"use strict";
// A recording's page: a cursor that moves with the sound, and ways to any moment. Strangers' texts only go into textContent.
(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const { seconds, names, passages } = DATA;
  const at = (id) => document.getElementById(id);
  const sound = at("sound"), stage = at("stage");
  const buttons = [...document.querySelectorAll("[data-class]")];
  let moment = 0;               // where the cursor stands, also where nothing can be played
  let broken = false;

  const clock = (time) => {
    const whole = Math.floor(time), hours = Math.floor(whole / 3600);
    const [minutes, rest] = [Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  };

  const now = () => passages.findIndex(({ start, end }) => start <= moment && moment < end);

  function show() {
    at("cursor").style.left = `${100 * Math.min(moment / seconds, 1)}%`;
    const passage = passages[now()] ?? passages.at(-1);
    const words = passage ? passage.words : "";
    at("now").textContent = `${clock(moment)} of ${clock(seconds)}: ${words}`;
    stage.setAttribute("aria-valuenow", moment.toFixed(3));
    stage.setAttribute("aria-valuetext", `${clock(moment)}, ${words}`);
    for (const button of buttons) {
      button.classList.toggle("active", Boolean(passage) && passage.active.includes(Number(button.dataset.class)));
    }
  }

  function follow() {
    if (!broken && sound.readyState > 0) moment = sound.currentTime;
    show();
    if (!sound.paused && !sound.ended) requestAnimationFrame(follow);
  }

  function seek(time) {
    moment = Math.min(Math.max(time, 0), seconds);
    if (!broken) sound.currentTime = moment;
    show();
  }

  function play() {
    if (broken) return;
    if (sound.paused) sound.play().catch(() => { /* what is wrong the element says itself */ });
    else sound.pause();
  }

  // The next stretch of a class behind the one that the cursor is in; behind the last the first.
  function lead(number) {
    const here = now();
    const turn = [...passages.keys()].map((step) => (here + 1 + step) % passages.length);
    const found = turn.find((one) => passages[one].active.includes(number));
    if (found !== undefined) seek(passages[found].start);
  }

  function step(by) {
    const next = (now() < 0 ? passages.length - 1 : now()) + by;
    if (next >= 0 && next < passages.length) seek(passages[next].start);
  }

  const KEYS = new Map([
    [" ", play], ["n", () => step(1)], ["b", () => step(-1)],
    ["Home", () => seek(0)], ["End", () => seek(seconds)],
    ...buttons.slice(0, 9).map((button, index) => [String(index + 1), () => lead(Number(button.dataset.class))]),
  ]);

  function onKey(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    // Space, arrows and ends belong to what has the focus, where they mean something there.
    const own = target !== stage && target !== document.body && target !== at("main");
    if (own && (key.length > 1 || (key === " " && target.matches("button, audio, a, summary, [tabindex]")))) return;
    const far = event.shiftKey ? 30 : 5;
    const act = { ArrowLeft: () => seek(moment - far), ArrowRight: () => seek(moment + far) }[key] ?? KEYS.get(key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  function point(event) {
    const box = stage.getBoundingClientRect();
    seek((event.clientX - box.left) / box.width * seconds);
  }

  document.addEventListener("keydown", onKey);
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    point(event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => { if (stage.hasPointerCapture(event.pointerId)) point(event); });
  for (const button of buttons) button.addEventListener("click", () => lead(Number(button.dataset.class)));
  for (const type of ["play", "pause", "ended", "seeked", "loadedmetadata", "timeupdate"]) sound.addEventListener(type, follow);
  sound.addEventListener("error", () => {
    broken = true;
    at("trouble").hidden = false;
    sound.hidden = true;
  });
  // It may have failed before this ran.
  if (sound.error) sound.dispatchEvent(new Event("error"));
  document.querySelectorAll("#over-time tbody th").forEach((cell, number) => {
    if (!passages[number]) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    button.addEventListener("click", () => seek(passages[number].start));
    cell.replaceChildren(button);
  });
  show();
})();

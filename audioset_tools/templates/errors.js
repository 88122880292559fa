"use strict";
// The page of an error analysis: one clip at a time, keyboard first. Strangers' texts only go into textContent.
(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const { clips } = DATA;
  const at = (id) => document.getElementById(id);
  const radios = [...document.querySelectorAll("input[name=cause]")];
  const answers = new Answers(DATA, () => { if (answers.me !== null) { showClip(); askAgain(); } });
  const options = clips.map(() => document.createElement("option"));
  const marked = [];
  const missed = new Set();
  let current = 0;

  // ---- showing

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  // Changed only where it differs: what has a role of status is read out whenever it changes.
  function put(id, text) {
    if (at(id).textContent !== text) at(id).textContent = text;
  }

  function chance({ name, probability }) {
    const line = document.createElement("li");
    const meter = element("meter", "", { min: 0, max: 1, value: probability ?? 0, "aria-hidden": "true" });
    const shown = probability === null ? "unknown" : `${(100 * probability).toFixed(1)} %`;
    line.append(element("span", name), meter, element("span", shown));
    return line;
  }

  // A picture or sound that did not load while the server was gone.
  function askAgain() {
    if (answers.trouble) return;
    for (const one of missed) if (one.hasAttribute("src")) one.setAttribute("src", one.getAttribute("src"));
    missed.clear();
  }

  function showMedia(clip) {
    missed.clear();
    at("graph").hidden = !clip.mel;
    at("no-mel").hidden = Boolean(clip.mel);
    put("no-mel", `no picture: ${clip.trouble}`);
    if (clip.mel) at("mel").setAttribute("src", clip.mel);
    at("mel").alt = `Mel spectrogram of clip ${clip.key}: ten seconds from left to right, high frequencies above`;
    const sound = at("sound");
    sound.hidden = !clip.sound;
    at("play").disabled = !clip.sound;
    at("no-sound").hidden = Boolean(clip.sound);
    put("no-sound", `no sound: ${clip.trouble}`);
    sound.setAttribute("aria-label", `Clip ${clip.key}`);
    if (clip.sound) sound.setAttribute("src", clip.sound);
    else sound.removeAttribute("src");
  }

  function showQuestion() {
    const clip = clips[current];
    put("clip-title", `Clip ${current + 1} of ${clips.length}: labelled ${clip.labelled}, predicted ${clip.guessed}`);
    put("actual", clip.labelled);
    put("predicted", clip.guessed);
    put("key", clip.key);
    put("labels", clip.labels === null ? "not known here" : clip.labels.join("; ") || "not in the lists");
    at("chances").replaceChildren(...clip.chances.map(chance));
    showMedia(clip);
    showClip();
  }

  function showClip() {
    const { key } = clips[current], { cause, note } = answers.of(key);
    for (const radio of radios) radio.checked = radio.value === cause;
    if (at("note").value !== note) at("note").value = note;
    const done = clips.filter(isAnswered).length;
    at("done").value = done;
    put("progress", `${done} of ${clips.length} answered`);
    for (const [number, clip] of clips.entries()) mark(number, isAnswered(clip));
    at("jump").selectedIndex = current;
    at("back").disabled = current === 0;
    at("next").disabled = current === clips.length - 1;
    at("open").disabled = done === clips.length;
    const [text, safe] = answers.state(key);
    put("saved", text);
    at("saved").classList.toggle("unsaved", !safe);
  }

  // Of ten thousand clips only those are touched whose mark changes.
  function mark(number, done) {
    if (marked[number] === done) return;
    const { labelled, guessed } = clips[number];
    options[number].textContent = `${done ? "✓" : "·"} ${number + 1}: ${labelled} → ${guessed}`;
    marked[number] = done;
  }

  function follow() {
    const sound = at("sound"), share = sound.duration ? sound.currentTime / sound.duration : 0;
    at("playhead").hidden = share === 0;
    at("playhead").style.left = `${100 * share}%`;
    at("play").lastChild.textContent = sound.paused ? " Play" : " Stop";
    if (!sound.paused) requestAnimationFrame(follow);
  }

  // ---- doing

  const isAnswered = ({ key }) => answers.of(key).cause !== null;
  function choose(cause) {
    const { key } = clips[current];
    if (answers.of(key).cause !== cause) answers.record(key, { cause }, 0);
  }

  const help = () => at("help").showModal();

  function go(number) {
    if (number < 0 || number >= clips.length) return;
    current = number;
    answers.keep(answers.place(), String(number));
    answers.sendSoon(0);
    showQuestion();
    at("clip-title").focus();
  }

  const next = () => go(current + 1);
  const back = () => go(current - 1);

  function open() {
    const turn = [...clips.keys()].map((step) => (current + 1 + step) % clips.length);
    const number = turn.find((one) => !isAnswered(clips[one]));
    if (number !== undefined) go(number);
  }

  function play() {
    const sound = at("sound");
    if (sound.hidden) return;
    if (sound.paused) sound.play().catch(() => { /* the next clip came first */ });
    else sound.pause();
  }

  const KEYS = new Map([
    [" ", play], ["p", play], ["n", next], ["j", next], ["k", back], ["b", back], ["u", open],
    ["/", () => at("note").focus()], ["?", help], ["0", () => choose(null)],
    ...radios.map((radio, number) => [String(number + 1), () => choose(radio.value)]),
  ]);

  function onKey(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (at("work").hidden || at("help").open) return;
    if (target === at("note")) {
      if (key === "Escape") at("clip-title").focus();
      return;
    }
    // Letters and space belong to what has the focus, where they mean something there.
    if (target.matches("select") || (key === " " && target.matches("button, audio, a, input:not(:checked)"))) return;
    if (!KEYS.has(key)) return;
    event.preventDefault();
    if (!event.repeat) KEYS.get(key)();
  }

  // ---- beginning and ending

  function remembered() {
    try {
      return sessionStorage.getItem(DATA.run);
    } catch {
      return null;
    }
  }

  function remember(name) {
    try {
      sessionStorage.setItem(DATA.run, name);
    } catch { /* the name is asked again after a reload */ }
  }

  function begin(given) {
    const name = given.normalize("NFC").split(/\s+/u).filter(Boolean).join(" ");
    if (!name || [...name].length > DATA.longest_name || /[,\p{C}]/u.test(name)) {
      put("name-trouble", `A name is plain text of 1 to ${DATA.longest_name} characters, without commas.`);
      return;
    }
    answers.begin(name);
    remember(name);
    put("me", `You are ${name}.`);
    put("exported", "");
    at("who").hidden = true;
    at("work").hidden = false;
    const last = Number(answers.kept(answers.place()) ?? 0);
    go(Number.isInteger(last) && last >= 0 && last < clips.length ? last : 0);
  }

  function ask() {
    answers.send();
    at("sound").pause();
    at("work").hidden = true;
    at("who").hidden = false;
    (document.querySelector("#names button") ?? at("name")).focus();
  }

  function exportAnswers() {
    const file = answers.exported(), n = file.answers.length;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
    link.download = `error-answers-${answers.me.replace(/[^\p{L}\p{N}-]+/gu, "-")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    put("exported", `${n} answer${n === 1 ? "" : "s"} exported`);
  }

  document.addEventListener("keydown", onKey);
  for (const radio of radios) radio.addEventListener("change", () => choose(radio.value));
  at("note").addEventListener("input", () => {
    // Half of a surrogate pair is no text that could be stored.
    answers.record(clips[current].key, { note: at("note").value.replace(/\p{Cs}/gu, "\ufffd") }, IDLE_MS);
  });
  const clicks = { play, back, next, open, "show-help": help, change: ask, export: exportAnswers, clear: () => choose(null) };
  for (const [id, act] of Object.entries(clicks)) at(id).addEventListener("click", act);
  at("jump").addEventListener("change", () => go(at("jump").selectedIndex));
  document.querySelector("#who form").addEventListener("submit", (event) => {
    event.preventDefault();
    begin(at("name").value);
  });
  for (const id of ["mel", "sound"]) at(id).addEventListener("error", () => missed.add(at(id)));
  for (const type of ["play", "pause", "ended", "seeked", "emptied"]) at("sound").addEventListener(type, follow);
  at("jump").replaceChildren(...options);
  at("names").replaceChildren(...DATA.annotators.map((name) => {
    const button = element("button", name, { type: "button" });
    button.addEventListener("click", () => begin(name));
    return button;
  }));
  if (clips.length > 0) {
    const before = remembered();
    if (before) begin(before);
    else ask();
  }
})();

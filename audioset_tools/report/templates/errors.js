"use strict";
// The page of an error analysis. Every answer is kept in this browser first; where our server answers, it is
// sent there until the server has said that it is on disk. Strangers' texts only ever go into textContent.
(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const BATCH = 20, IDLE_MS = 600, FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 8000;
  const at = (id) => document.getElementById(id);
  const radios = [...document.querySelectorAll("input[name=cause]")];
  const clips = DATA.clips;
  const byKey = new Map(clips.map((clip, number) => [clip.key, number]));
  const store = `audioset-tools errors ${DATA.run}`;

  let me = null;
  let current = 0;
  let answers = new Map();          // key -> {cause, note, given, saved, refused}
  let storageWorks = true;

  // ---- what this browser keeps: an item an answer, so that two windows never overwrite one another's

  function keep(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      storageWorks = false;
    }
  }

  function kept(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      storageWorks = false;
      return null;
    }
  }

  const place = (key) => JSON.stringify([store, me, key]);

  function understood(text) {
    try {
      const { cause, note, given, saved } = JSON.parse(text);
      if ((cause === null || DATA.causes.includes(cause)) && typeof note === "string" && Number.isSafeInteger(given)) {
        return { cause, note, given, saved: saved === true };
      }
    } catch { /* not ours */ }
    return null;
  }

  function take(key, answer) {
    const before = answers.get(key);
    if (before && before.given > answer.given) return;
    answers.set(key, { ...answer, refused: "" });
    keep(place(key), JSON.stringify(answer));
  }

  // ---- answering

  function answerOf(key) {
    return answers.get(key) ?? { cause: null, note: "", given: 0, saved: true, refused: "" };
  }

  function record(change, wait) {
    const key = clips[current].key;
    const before = answerOf(key);
    // Later than what it replaces, whatever the clock says.
    take(key, { cause: before.cause, note: before.note, ...change, given: Math.max(Date.now(), before.given + 1), saved: false });
    showState();
    sendSoon(wait);
  }

  const choose = (cause) => record({ cause }, 0);
  const isAnswered = (clip) => answerOf(clip.key).cause !== null;

  // ---- the server

  let token = null;
  let served = location.protocol !== "file:";
  let pulled = false;
  let sending = false;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let trouble = "";

  function sendSoon(delay) {
    if (!served) return;
    clearTimeout(timer);
    timer = setTimeout(send, delay);
  }

  const pending = () => clips.filter((clip) => { const one = answerOf(clip.key); return !one.saved && !one.refused; });

  function body(clip) {
    const { cause, note, given } = answerOf(clip.key);
    return { annotator: me, key: clip.key, actual: clip.actual, predicted: clip.predicted, cause, note, given };
  }

  async function send() {
    if (!served || sending || me === null) return;
    sending = true;
    try {
      if (token === null) await beginSession();
      if (served && !pulled) await pull();
      while (served && pending().length) await push(pending().slice(0, BATCH).map(body));
      trouble = "";
      wait = FIRST_WAIT_MS;
    } catch (error) {
      trouble = error.told ?? "the server does not answer";
      sendSoonAgain();
    } finally {
      sending = false;
      showState();
    }
  }

  function sendSoonAgain() {
    clearTimeout(timer);
    timer = setTimeout(send, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }

  async function beginSession() {
    const answer = await fetch("session", { cache: "no-store" });
    if (answer.status === 404) {
      served = false;                // somebody else's server: the page is as it is from disk
      return;
    }
    token = (await told(answer)).token;
  }

  async function pull() {
    const whose = me;
    const answer = await fetch(`answers?annotator=${encodeURIComponent(whose)}`, { cache: "no-store", headers: { "X-Token": token } });
    const { answers: found } = await told(answer);
    if (whose !== me) return;
    for (const { key, cause, note, given } of found) {
      if (byKey.has(key)) take(key, { cause, note, given, saved: true });
    }
    pulled = true;
    showClip();
  }

  async function push(batch) {
    const text = JSON.stringify({ answers: batch });
    const headers = { "Content-Type": "application/json", "X-Token": token };
    // What is on its way when the page closes still arrives, as far as browsers allow.
    const answer = await fetch("answers", { method: "POST", headers, body: text, keepalive: text.length < 15000 });
    if (answer.status === 400) {
      const { error, number } = await answer.json();
      const refused = batch[number ?? 0];
      if (refused.annotator === me) answers.set(refused.key, { ...answerOf(refused.key), refused: error });
      return;
    }
    await told(answer);
    for (const { annotator, key, given } of batch) {
      if (annotator === me && answerOf(key).given === given) take(key, { ...answerOf(key), saved: true });
    }
  }

  async function told(answer) {
    if (answer.ok) return answer.json();
    if (answer.status === 403) token = null;   // a new server knows our old token no more
    const error = new Error();
    error.told = await answer.json().then((content) => content.error, () => `the server says ${answer.status}`);
    throw error;
  }

  // ---- showing

  function words(text) {
    return text === "" ? "nothing" : text.split(";").join(", ");
  }

  function fill(list, items, make) {
    list.replaceChildren(...items.map(make));
  }

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function chance({ name, probability }) {
    const line = document.createElement("li");
    const shown = probability === null ? "not a number" : `${(100 * probability).toFixed(1)} %`;
    const meter = element("meter", "", { min: 0, max: 1, value: probability ?? 0, "aria-hidden": "true" });
    line.append(element("span", name), meter, element("span", shown));
    return line;
  }

  function showClip() {
    const clip = clips[current], answer = answerOf(clip.key);
    at("clip-title").textContent = `Clip ${current + 1} of ${clips.length}: labelled ${words(clip.actual)}, predicted ${words(clip.predicted)}`;
    at("actual").textContent = words(clip.actual);
    at("predicted").textContent = words(clip.predicted);
    at("key").textContent = clip.key;
    at("labels").textContent = clip.labels === null ? "not known: the lists are not here" : clip.labels.length ? clip.labels.join("; ") : "none in the lists";
    at("picture").hidden = !clip.mel;
    at("no-mel").hidden = Boolean(clip.mel);
    at("no-mel").textContent = `no picture: ${clip.trouble}`;
    if (clip.mel) at("mel").setAttribute("src", clip.mel);
    at("mel").alt = `Mel spectrogram of clip ${clip.key}: ten seconds from left to right, high frequencies above`;
    const sound = at("sound");
    sound.hidden = !clip.sound;
    sound.setAttribute("aria-label", `Clip ${clip.key}`);
    at("no-sound").hidden = Boolean(clip.sound);
    at("no-sound").textContent = `no sound: ${clip.trouble}`;
    if (!clip.sound) {
      sound.pause();
      sound.removeAttribute("src");
    } else if (sound.getAttribute("src") !== clip.sound) {
      sound.setAttribute("src", clip.sound);
    }
    fill(at("chances"), clip.chances, chance);
    if (document.activeElement !== at("note") || at("note").value !== answer.note) at("note").value = answer.note;
    showState();
  }

  function showState() {
    if (me === null) return;
    const answer = answerOf(clips[current].key);
    for (const radio of radios) radio.checked = radio.value === answer.cause;
    const done = clips.filter(isAnswered).length;
    at("done").value = done;
    at("progress").textContent = `${done} of ${clips.length} answered`;
    [...at("jump").options].forEach((option, number) => {
      option.textContent = `${isAnswered(clips[number]) ? "✓" : "·"} ${number + 1} ${words(clips[number].actual)} → ${words(clips[number].predicted)}`;
    });
    at("jump").selectedIndex = current;
    at("back").disabled = current === 0;
    at("next").disabled = current === clips.length - 1;
    const [text, safe] = savedWords(answer);
    if (at("saved").textContent !== text) at("saved").textContent = text;
    at("saved").classList.toggle("unsaved", !safe);
  }

  function savedWords(answer) {
    if (answer.refused) return [`Not saved: ${answer.refused}`, false];
    const n = pending().length;
    const where = storageWorks ? "kept in this browser" : "kept only while this page is open";
    if (!served) {
      return answers.size ? [`${storageWorks ? "Kept in this browser" : "Kept only while this page is open"}; export when you are done`, storageWorks] : ["Export when you are done", true];
    }
    if (trouble) return [`Not saved yet: ${trouble}. ${n} answer${n === 1 ? " is" : "s are"} ${where} and sent again`, false];
    if (n) return ["Saving …", true];
    return answer.given ? ["Saved on disk", true] : ["", true];
  }

  // ---- moving

  function go(number, focus) {
    if (number < 0 || number >= clips.length) return;
    current = number;
    keep(JSON.stringify([store, me, "at"]), String(number));
    sendSoon(0);
    showClip();
    if (focus) at("clip-title").focus();
  }

  function goOpen() {
    for (let step = 1; step <= clips.length; step++) {
      const number = (current + step) % clips.length;
      if (!isAnswered(clips[number])) return go(number, true);
    }
  }

  function play() {
    const sound = at("sound");
    if (sound.hidden) return;
    if (sound.paused) sound.play().catch(() => {});
    else sound.pause();
  }

  const KEYS = {
    p: play, n: () => go(current + 1, true), j: () => go(current + 1, true), k: () => go(current - 1, true),
    b: () => go(current - 1, true), u: goOpen, 0: () => choose(null), "/": () => at("note").focus(), "?": () => at("help").showModal(),
  };

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || at("work").hidden || at("help").open) return;
    const target = event.target;
    if (target === at("note")) {
      if (event.key === "Escape") at("clip-title").focus();
      return;
    }
    if (target.matches("select, input:not([type=radio])")) return;
    // Space belongs to what has the focus, where it means something there.
    if (event.key === " " && target.matches("button, audio, summary, a, input:not(:checked)")) return;
    const number = Number(event.key);
    const act = event.key === " " ? play : number >= 1 && number <= radios.length ? () => choose(radios[number - 1].value) : KEYS[event.key];
    if (act === undefined || !Object.hasOwn({ ...KEYS, " ": 0, [event.key]: number >= 1 }, event.key)) return;
    event.preventDefault();
    if (!event.repeat) act();
  }

  // ---- beginning

  const tidy = (name) => name.normalize("NFC").split(/\s+/u).filter(Boolean).join(" ");
  const wellFormed = (text) => text.replace(/\p{Cs}/gu, "�");

  function begin(name) {
    const tidied = tidy(name);
    if (!tidied || [...tidied].length > DATA.longest_name || tidied.includes(",") || /\p{C}/u.test(tidied)) {
      at("name-trouble").textContent = `A name is plain text of at most ${DATA.longest_name} characters, without commas.`;
      return;
    }
    me = tidied;
    answers = new Map();
    pulled = false;
    try {
      sessionStorage.setItem(store, me);
    } catch { /* asked again after a reload */ }
    for (const { key } of clips) {
      const found = understood(kept(place(key)));
      if (found) take(key, found);
    }
    const last = Number(kept(JSON.stringify([store, me, "at"])) ?? 0);
    current = Number.isInteger(last) && last >= 0 && last < clips.length ? last : 0;
    at("me").textContent = `You are ${me}.`;
    at("who").hidden = true;
    at("work").hidden = false;
    showClip();
    sendSoon(0);
    at("clip-title").focus();
  }

  function ask() {
    me = null;
    at("work").hidden = true;
    at("who").hidden = false;
    at("sound").pause();
    (document.querySelector("#names button") ?? at("name")).focus();
  }

  function exportAnswers() {
    const listed = clips.filter((clip) => answers.has(clip.key)).map(body);
    const text = JSON.stringify({ format: DATA.format, answers: listed }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `error-answers-${me.replace(/[^\p{L}\p{N}-]+/gu, "-")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    at("exported").textContent = `${listed.length} answer${listed.length === 1 ? "" : "s"} exported; import the file with audioset-tools errors --import`;
  }

  function follow() {
    const sound = at("sound"), share = sound.duration ? sound.currentTime / sound.duration : 0;
    at("playhead").hidden = share === 0;
    at("playhead").style.left = `${100 * share}%`;
    if (!sound.paused) requestAnimationFrame(follow);
  }

  document.addEventListener("keydown", onKey);
  for (const radio of radios) radio.addEventListener("change", () => choose(radio.value));
  at("note").addEventListener("input", () => record({ note: wellFormed(at("note").value) }, IDLE_MS));
  at("play").addEventListener("click", play);
  at("back").addEventListener("click", () => go(current - 1, true));
  at("next").addEventListener("click", () => go(current + 1, true));
  at("open").addEventListener("click", goOpen);
  at("clear").addEventListener("click", () => choose(null));
  at("jump").addEventListener("change", () => go(at("jump").selectedIndex, false));
  at("show-help").addEventListener("click", () => at("help").showModal());
  at("change").addEventListener("click", ask);
  at("export").addEventListener("click", exportAnswers);
  document.querySelector("#who form").addEventListener("submit", (event) => { event.preventDefault(); begin(at("name").value); });
  for (const type of ["play", "seeked", "emptied", "timeupdate"]) at("sound").addEventListener(type, follow);
  at("sound").addEventListener("play", () => { at("play").lastChild.textContent = " Stop"; });
  at("sound").addEventListener("pause", () => { at("play").lastChild.textContent = " Play"; });
  at("sound").addEventListener("emptied", () => { at("play").lastChild.textContent = " Play"; });
  addEventListener("online", () => sendSoon(0));
  addEventListener("pagehide", () => { clearTimeout(timer); send(); });
  addEventListener("beforeunload", (event) => { if (!storageWorks && answers.size && (!served || pending().length)) event.preventDefault(); });
  addEventListener("storage", (event) => {
    if (me === null || event.key === null) return;
    const key = clips.map((clip) => clip.key).find((one) => place(one) === event.key);
    const found = key && event.newValue !== null ? understood(event.newValue) : null;
    if (!found) return;
    const before = answers.get(key);
    if (!before || found.given > before.given || (found.given === before.given && found.saved)) answers.set(key, { ...found, refused: "" });
    showClip();
  });

  fill(at("jump"), clips, () => document.createElement("option"));
  fill(at("names"), DATA.annotators, (name) => {
    const button = element("button", name, { type: "button" });
    button.addEventListener("click", () => begin(name));
    return button;
  });
  let before = null;
  try {
    before = sessionStorage.getItem(store);
  } catch { /* asked */ }
  if (clips.length === 0) return;
  if (before) begin(before);
  else ask();
})();

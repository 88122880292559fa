"use strict";
// What an annotator answered: kept in this browser first, and sent, where our server answers, until the server
// has said that it is on disk. An answer is later than the one it replaces, whatever the clock says. Times are
// by the server's clock once that is known, since it takes none from the future.

const KIND = "audioset-tools errors";
const BATCH = 20, IDLE_MS = 600, FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 8000, AHEAD_MS = 60_000;

class Answers {
  constructor(data, changed) {
    this.data = data;
    this.changed = changed;           // called whenever something has to be drawn again
    this.me = null;
    this.found = new Map();           // key -> {cause, note, given, saved}
    this.refused = new Map();         // key -> why the server will never take it
    this.storageWorks = true;
    this.served = location.protocol !== "file:";
    this.ahead = 0;                   // milliseconds that this browser's clock is ahead of the server's
    this.pulled = false;              // whether we have what the server had before
    this.sending = false;
    this.trouble = "";
    this.wait = FIRST_WAIT_MS;
    this.timer = 0;
    addEventListener("storage", (event) => this.hear(event));
    addEventListener("online", () => this.sendSoon(0));
    addEventListener("pagehide", () => this.send());
    addEventListener("beforeunload", (event) => { if (this.wouldBeLost()) event.preventDefault(); });
  }

  begin(name) {
    this.me = name;
    this.found = new Map();
    this.refused = new Map();
    this.pulled = false;
    for (const { key } of this.data.clips) {
      const kept = this.understood(this.kept(this.place(key)));
      if (kept) this.found.set(key, kept);
    }
    this.sendSoon(0);
  }

  of(key) {
    return this.found.get(key) ?? { cause: null, note: "", given: 0, saved: true };
  }

  record(key, change, delay) {
    const { cause, note, given } = this.of(key);
    this.refused.delete(key);
    this.take(key, { cause, note, ...change, given: Math.max(this.now(), given + 1), saved: false });
    this.sendSoon(delay);
    this.changed();
  }

  now() {
    return Date.now() - this.ahead;
  }

  pending() {
    return this.data.clips.filter(({ key }) => !this.of(key).saved && !this.refused.has(key));
  }

  // What another annotator left unsent in this browser, perhaps since it died with the server.
  *leftBehind() {
    for (const name of this.storageWorks ? Object.keys(localStorage) : []) {
      let [kind, run, annotator, key] = ["", "", "", ""];
      try {
        [kind, run, annotator, key] = JSON.parse(name);
      } catch { /* not ours */ }
      const clip = this.data.clips.find((one) => one.key === key);
      if (kind !== KIND || run !== this.data.run || annotator === this.me || !clip) continue;
      const answer = this.understood(this.kept(name));
      if (answer && !answer.saved) yield [name, clip, annotator, answer];
    }
  }

  exported() {
    const listed = this.data.clips.filter(({ key }) => this.found.has(key)).map((clip) => this.body(clip));
    return { format: this.data.format, answers: listed };
  }

  // Whether the answer to a clip is safe, in words.
  state(key) {
    if (this.refused.has(key)) return [`Not saved: ${this.refused.get(key)}`, false];
    const where = this.storageWorks ? "kept in this browser" : "kept only while this page is open";
    if (!this.served) return [this.found.size ? `${where[0].toUpperCase()}${where.slice(1)}; export when you are done` : "", this.storageWorks];
    const n = this.pending().length;
    if (this.trouble) return [`Not saved yet: ${this.trouble}. ${n} answer${n === 1 ? "" : "s"} ${where}, sent again when it is back`, false];
    if (n) return ["Saving …", true];
    return [this.found.has(key) ? "Saved on disk" : "", true];
  }

  wouldBeLost() {
    return !this.storageWorks && (this.served ? this.pending().length > 0 : this.found.size > 0);
  }

  // ---- in this browser: an item an answer, so that two windows never overwrite one another's

  place(...names) {
    return JSON.stringify([KIND, this.data.run, this.me, ...names]);
  }

  keep(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      this.storageWorks = false;
    }
  }

  kept(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      this.storageWorks = false;
      return null;
    }
  }

  understood(text) {
    try {
      const { cause, note, given, saved } = JSON.parse(text);
      const known = cause === null || this.data.causes.includes(cause);
      if (known && typeof note === "string" && Number.isSafeInteger(given) && given >= 0) return { cause, note, given, saved: saved === true };
    } catch { /* nothing, or not ours */ }
    return null;
  }

  take(key, answer) {
    if (this.of(key).given > answer.given) return;
    this.found.set(key, answer);
    this.keep(this.place(key), JSON.stringify(answer));
  }

  // Another window of the same annotator has kept something.
  hear(event) {
    if (this.me === null || event.key === null || event.newValue === null) return;
    const clip = this.data.clips.find(({ key }) => this.place(key) === event.key);
    const other = clip && this.understood(event.newValue);
    if (!other || other.given < this.of(clip.key).given) return;
    this.found.set(clip.key, other);
    this.changed();
  }

  // ---- to the server

  sendSoon(delay) {
    clearTimeout(this.timer);
    if (this.served) this.timer = setTimeout(() => this.send(), delay);
  }

  async send() {
    if (!this.served || this.sending || this.me === null) return;
    clearTimeout(this.timer);
    this.sending = true;
    try {
      if (!this.pulled) await this.pull();
      const due = this.served ? this.pending() : [];
      for (let n = 0; n < due.length; n += BATCH) await this.push(due.slice(n, n + BATCH).map((clip) => this.body(clip)));
      if (this.served) await this.pushLeftBehind();
      this.trouble = "";
      this.wait = FIRST_WAIT_MS;
    } catch (error) {
      this.trouble = error.reason ?? "the server does not answer";
      this.pulled = false;            // a server that was started again may have lost something
      this.timer = setTimeout(() => this.send(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
    }
    this.sending = false;
    // What was given meanwhile; while a note is being written not every letter of it.
    if (!this.trouble && this.pending().length) this.sendSoon(IDLE_MS);
    this.changed();
  }

  async pull() {
    const { me } = this;
    const answer = await fetch(`answers?annotator=${encodeURIComponent(me)}`, { cache: "no-store" });
    // Somebody else's server: the page is what it is from disk.
    if (answer.status === 404) this.served = false;
    if (!this.served) return;
    const { answers, now } = await this.accepted(answer);
    if (me !== this.me) return;
    this.ahead = Date.now() - now;
    const there = new Map(answers.map(({ key, ...answer }) => [key, answer]));
    for (const { key } of this.data.clips) {
      const stored = there.get(key), mine = this.of(key);
      // By a clock that was ahead: what was not sent was given before now, what was sent is as the server has it.
      if (mine.given > now + AHEAD_MS) this.found.set(key, { ...mine, given: mine.saved ? 0 : Math.max(now, (stored?.given ?? 0) + 1) });
      if (stored) this.take(key, { cause: stored.cause, note: stored.note, given: stored.given, saved: true });
      // What the server had and lost, as with an older copy of its file, it gets again.
      if (this.of(key).given > (stored?.given ?? 0)) this.take(key, { ...this.of(key), saved: false });
    }
    this.pulled = true;
  }

  async push(batch) {
    const answer = await this.post(batch);
    if (answer.status === 400) {
      const { error, number } = await answer.json();
      const { annotator, key } = batch[number ?? 0];
      if (annotator === this.me) this.refused.set(key, error);
      return;
    }
    await this.accepted(answer);
    for (const { annotator, key, given } of batch) {
      if (annotator === this.me && this.of(key).given === given) this.take(key, { ...this.of(key), saved: true });
    }
  }

  async pushLeftBehind() {
    for (const [name, clip, annotator, answer] of [...this.leftBehind()].slice(0, BATCH)) {
      const given = Math.min(answer.given, this.now());
      const response = await this.post([{ ...this.body(clip, answer), annotator, given }]);
      if (response.status === 400) continue;     // refused for good; it must not hold up anybody else's
      await this.accepted(response);
      this.keep(name, JSON.stringify({ ...answer, saved: true }));
    }
  }

  post(batch) {
    const body = JSON.stringify({ answers: batch });
    const headers = { "Content-Type": "application/json" };
    // What is on its way when the page closes still arrives; browsers allow that to no more than 64 KiB.
    return fetch("answers", { method: "POST", headers, body, keepalive: body.length < 15_000 });
  }

  body({ key, actual, predicted }, { cause, note, given } = this.of(key)) {
    return { annotator: this.me, key, actual, predicted, cause, note, given };
  }

  async accepted(answer) {
    if (answer.ok) return answer.json();
    const refusal = await answer.json().catch(() => ({}));
    throw Object.assign(new Error("refused"), { reason: refusal.error ?? `the server says ${answer.status}` });
  }
}

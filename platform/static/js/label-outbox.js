// The outbox: what was submitted waits in IndexedDB until the server has it. It survives a reload,
// a crash and hours without a connection; the server takes the same answers twice without harm.
import { csrfToken } from "./htmx-csrf.js";

const RETRY_MS = [2_000, 5_000, 15_000, 30_000];
const DATABASE = "gloss";
const STORE = "outbox";
/** Copies that are made at once: leaving the page may be quicker than the database. */
const COPY = "gloss.outbox.";

function copies(act) {
  try {
    return act(localStorage);
  } catch {
    return null; // storage is blocked or full: the database alone keeps it then
  }
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
  return done(request);
}

// Where storage is blocked the outbox lives as long as the page.
class Memory {
  #entries = new Map();
  #last = 0;

  async all() {
    return [...this.#entries.values()];
  }

  async put(entry) {
    const id = entry.id ?? (this.#last += 1);
    this.#entries.set(id, { ...entry, id });
    return id;
  }

  async remove(id) {
    this.#entries.delete(id);
  }
}

class Stored {
  constructor(database) {
    this.database = database;
  }

  all() {
    return done(this.database.transaction(STORE).objectStore(STORE).getAll());
  }

  // Resolves once the change is on the disk, not when it is merely asked for.
  #change(act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(STORE, "readwrite", { durability: "strict" });
      const request = act(transaction.objectStore(STORE));
      transaction.commit?.(); // does not wait for a page that may be gone
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  put(entry) {
    return this.#change((store) => store.put(entry));
  }

  remove(id) {
    return this.#change((store) => store.delete(id));
  }
}

/** Browsers carry on behind a page that is left with at most 64 KiB. */
const KEEP_ALIVE_BYTES = 60_000;

function post({ url, fields }) {
  const body = new URLSearchParams(fields).toString();
  const headers = { "Gloss-Outbox": "1", "X-CSRFToken": csrfToken(), "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8" };
  return fetch(url, { method: "POST", body, headers, redirect: "manual", keepalive: body.length < KEEP_ALIVE_BYTES });
}

// Only one tab sends at a time, where the browser can see to that.
function alone(act) {
  return navigator.locks ? navigator.locks.request("gloss.outbox", act) : act();
}

export class Outbox {
  #store = null;
  #entries = [];
  #sending = null;
  #inFlight = null;
  #again = false;
  #attempt = 0;
  #timer = null;

  /** Answers of `person` in `project`; `onChange` hears of every change, `onSent` of what is kept. */
  constructor({ person, project, onChange, onSent }) {
    this.person = person;
    this.project = project;
    this.onChange = onChange;
    this.onSent = onSent;
    this.trouble = ""; // "", "offline", "server", "signed out" or "not allowed"
  }

  async open() {
    try {
      this.#store = new Stored(await openDatabase());
    } catch {
      this.#store = new Memory();
    }
    await this.#takeCopies();
    await this.#load();
    addEventListener("pagehide", () => this.#sendLast());
    addEventListener("online", () => this.send());
    addEventListener("offline", () => this.#troubled("offline"));
    document.addEventListener("visibilitychange", () => !document.hidden && this.send());
  }

  /** Put what a page left too quickly had only copied into the database. */
  async #takeCopies() {
    const names = copies((storage) => Object.keys(storage).filter((name) => name.startsWith(COPY))) ?? [];
    if (!names.length) return;
    const kept = new Set((await this.#store.all()).map(({ copy }) => copy));
    for (const name of names) {
      const entry = copies((storage) => JSON.parse(storage.getItem(name)));
      if (entry && !kept.has(name)) await this.#store.put(entry);
      copies((storage) => storage.removeItem(name));
    }
  }

  // Whoever leaves does not wait: the browser sends this on behind the page. It stays in the
  // outbox, and the server takes it twice without harm. Of several the order counts: they wait for
  // the next page.
  #sendLast() {
    const [entry, ...more] = this.waiting;
    if (entry && !more.length && entry.id !== this.#inFlight) post(entry).catch(() => {});
  }

  async #load() {
    const all = await this.#store.all();
    this.#entries = all.filter(({ person, project }) => person === this.person && project === this.project);
  }

  get waiting() {
    return this.#entries.filter(({ state }) => state === "waiting");
  }

  get refused() {
    return this.#entries.filter(({ state }) => state === "refused");
  }

  get isSending() {
    return this.#sending !== null;
  }

  /** Keep something to send: { kind, url, fields, ... }; resolves to its id once it is on the disk. */
  async add(entry) {
    const at = Date.now();
    const copy = `${COPY}${at}.${Math.random()}`;
    const kept = { ...entry, person: this.person, project: this.project, at, state: "waiting", copy };
    copies((storage) => storage.setItem(copy, JSON.stringify(kept)));
    const shown = { ...kept, id: 0 };
    this.#entries.push(shown);
    this.onChange();
    // A full disk: it waits in this page alone, and is sent all the same.
    shown.id = await this.#store.put(kept).catch(() => -Date.now());
    copies((storage) => storage.removeItem(copy));
    this.send();
    return shown.id;
  }

  /** Take back what has not been sent yet; false when it is too late for that. */
  async takeBack(id) {
    if (this.#inFlight === id) await this.#sending;
    if (this.#inFlight === id || !this.waiting.some((each) => each.id === id)) return false;
    await this.remove(id);
    return true;
  }

  async remove(id) {
    this.#entries = this.#entries.filter((each) => each.id !== id);
    this.onChange();
    await this.#store.remove(id);
  }

  /** Send a refused entry again, changed. */
  async retry(entry, changes = {}) {
    Object.assign(entry, changes, { state: "waiting", html: "" });
    await this.#store.put(entry);
    this.onChange();
    return this.send();
  }

  /** Send what waits, oldest first; resolves when nothing more can be sent now. */
  send() {
    clearTimeout(this.#timer);
    if (this.#sending) {
      this.#again = true;
      return this.#sending;
    }
    this.#sending = alone(() => this.#sendAll()).finally(() => {
      this.#sending = null;
      this.onChange();
      if (!this.#again) return;
      this.#again = false;
      if (!this.trouble) this.send();
    });
    return this.#sending;
  }

  async #sendAll() {
    for (;;) {
      const entry = this.waiting.find(({ id }) => id);
      if (!entry) {
        this.#attempt = 0;
        if (!this.waiting.length) this.trouble = "";
        return;
      }
      this.#inFlight = entry.id;
      const isGoing = await this.#sendOne(entry).finally(() => (this.#inFlight = null));
      if (!isGoing) return;
    }
  }

  // Returns whether to go on with the next one.
  async #sendOne(entry) {
    let response;
    let words;
    try {
      response = await post(entry);
      words = response.status === 204 ? "" : await response.text();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return this.#troubled("offline");
    }
    if (response.type === "opaqueredirect" || response.status === 401) return this.#troubled("signed out");
    if (response.status === 403) return this.#troubled("not allowed");
    if (response.status >= 500 || response.status === 429) return this.#troubled("server");
    this.trouble = "";
    this.#attempt = 0;
    if (response.ok) await this.remove(entry.id);
    else {
      Object.assign(entry, { state: "refused", status: response.status, html: words });
      await this.#store.put(entry);
      this.onChange();
    }
    this.onSent(entry, response.ok);
    return true;
  }

  #troubled(trouble) {
    this.trouble = trouble;
    this.onChange();
    clearTimeout(this.#timer);
    if (!this.waiting.length) return false;
    const wait = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)];
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.send(), wait);
    return false;
  }
}

/** Say how things stand in words: [words, whether they are trouble]. */
export function inWords(outbox) {
  const count = outbox.waiting.length;
  const waiting = `${count} waiting`;
  if (outbox.trouble === "signed out") return [`Signed out, ${waiting}: kept in this browser. Sign in again, and they are sent by themselves.`, true];
  if (outbox.trouble === "not allowed") return [`You may not label here any more, ${waiting}: kept in this browser. Reload the page; if that does not help, ask an owner of the project.`, true];
  if (outbox.trouble === "offline") return [count ? `Offline, ${waiting}: kept in this browser and sent by themselves.` : "Offline: what you answer is kept in this browser.", true];
  if (outbox.trouble) return [`The server cannot take answers just now, ${waiting}: kept in this browser and sent by themselves.`, true];
  if (count) return [count > 1 ? `Saving, ${waiting}…` : "Saving…", false];
  return [outbox.refused.length ? "All else is saved." : "Saved.", false];
}

// A form with data-upload sends its file in pieces (tus), goes on after a reload or a lost network, and takes drops.
import { csrfToken } from "./htmx-csrf.js";
import { say } from "./messages.js";

// After the last of these a lost connection waits for the person, or for the browser to be online.
const PAUSES = [0, 1000, 3000, 5000, 10000];

const OFFLINE = "You are offline. What has arrived is kept; the upload goes on when you are back.";
const LOST = "The connection was lost. Trying again …";

const form = document.querySelector("[data-upload]");

if (form && globalThis.tus?.isSupported) listen(form);

function listen(element) {
  const find = (name) => element.querySelector(`[data-${name}]`);
  const input = element.querySelector("input[type=file]");
  const zone = find("drop-zone");
  const progress = find("upload-progress");
  const bar = progress.querySelector("progress");
  const go = find("upload-go");
  const stop = find("upload-stop");
  const maxBytes = Number(element.dataset.maxBytes);
  let upload = null;
  let begun = null;
  let isSending = false;
  let isLost = false;

  find("drop-hint").hidden = false;
  element.addEventListener("submit", send);
  input.addEventListener("change", forget);
  stop.addEventListener("click", pause);
  addEventListener("online", resume);
  addEventListener("offline", () => upload && tell(OFFLINE));
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  document.addEventListener("drop", take);

  function carriesFiles(event) {
    return event.dataTransfer?.types.includes("Files") ?? false;
  }

  function over(event) {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    zone.classList.add("is-over");
  }

  function take(event) {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    zone.classList.remove("is-over");
    if (event.dataTransfer.files.length !== 1) {
      say("Drop one file at a time.", "warning");
      return;
    }
    input.files = event.dataTransfer.files;
    say(`${input.files[0].name} is chosen. Press Continue to see how it reads.`, "info");
    go.focus();
  }

  async function send(event) {
    const [file] = input.files;
    if (!file) return; // the browser says that one is needed
    event.preventDefault();
    if (file.size === 0) return say("The file is empty. Choose a file with a row for every review.", "error");
    if (file.size > maxBytes) return say(`${file.name} is too large. Split or compress it.`, "error");
    upload = make(file);
    const [before] = (await upload.findPreviousUploads()).slice(-1);
    if (before) upload.resumeFromPreviousUpload(before);
    start(before ? `Going on with ${file.name}` : `Sending ${file.name}`);
  }

  function make(file) {
    return new tus.Upload(file, {
      endpoint: element.dataset.upload,
      chunkSize: Number(element.dataset.pieceBytes),
      retryDelays: PAUSES,
      metadata: { filename: file.name },
      removeFingerprintOnSuccess: true,
      // The same file of another project is another upload.
      fingerprint: async () => ["gloss", element.dataset.upload, file.name, file.size, file.lastModified].join("|"),
      onBeforeRequest: (request) => request.setHeader("X-CSRFToken", csrfToken()),
      onShouldRetry: retry,
      onProgress: show,
      onSuccess: leave,
      onError: fail,
    });
  }

  function start(text) {
    begun = null;
    isSending = true;
    progress.hidden = false;
    stop.hidden = false;
    stop.textContent = "Stop";
    if (document.activeElement === go) stop.focus();
    go.hidden = true; // one button at a time: Stop, then Go on
    tell(text);
    upload.start();
  }

  function pause() {
    if (!isSending) return resume();
    upload.abort();
    waitForPerson("Stopped. What has arrived is kept for three days.");
  }

  function resume() {
    if (upload && !isSending) start(goingOn());
  }

  function waitForPerson(text) {
    isSending = false;
    stop.textContent = "Go on";
    tell(text);
    figures(bar.value, bar.max);
  }

  /** Another file was chosen: the button sends that one. */
  function forget() {
    if (!upload) return;
    if (isSending) upload.abort();
    upload = null;
    isSending = false;
    progress.hidden = true;
    stop.hidden = true;
    go.hidden = false;
  }

  function goingOn() {
    return `Going on with ${upload.file.name}`;
  }

  function retry(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    const isWorthwhile = status < 400 || status >= 500 || status === 409 || status === 423;
    if (isWorthwhile) tell(navigator.onLine ? LOST : OFFLINE);
    isLost = isWorthwhile;
    return isWorthwhile && navigator.onLine;
  }

  function show(sent, total) {
    if (isLost && sent > bar.value) {
      isLost = false;
      tell(goingOn());
    }
    begun ??= { at: performance.now(), sent };
    bar.max = total;
    bar.value = sent;
    const seconds = (performance.now() - begun.at) / 1000;
    const rate = seconds > 1 ? (sent - begun.sent) / seconds : 0;
    figures(sent, total, rate ? ` · ${duration((total - sent) / rate)} left` : "");
  }

  function figures(sent, total, left = "") {
    find("upload-figures").textContent = `${size(sent)} of ${size(total)}${left}`;
  }

  function leave() {
    tell("It has arrived. Opening it …");
    const id = upload.url.match(/\/(\d+)\/$/)[1];
    location.assign(element.dataset.read.replace(/upload\/$/, `uploads/${id}/`));
  }

  function fail(error) {
    const status = error.originalResponse?.getStatus();
    if (!status) return waitForPerson(navigator.onLine ? "The connection was lost. What has arrived is kept; go on when it is back." : OFFLINE);
    say(sentence(error.originalResponse), "error");
    waitForPerson("The upload has stopped.");
  }

  function tell(text) {
    find("upload-says").textContent = text;
  }
}

/** Return what the server says is wrong. */
function sentence(response) {
  try {
    return JSON.parse(response.getBody()).detail;
  } catch {
    return `The server answered ${response.getStatus()}. Try again, or ask whoever runs Gloss.`;
  }
}

function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${value.toFixed(at ? 1 : 0)} ${units[at]}`;
}

function duration(seconds) {
  if (seconds < 1.5) return "about 1 second";
  if (seconds < 90) return `about ${Math.round(seconds)} seconds`;
  return `about ${Math.round(seconds / 60)} minutes`;
}

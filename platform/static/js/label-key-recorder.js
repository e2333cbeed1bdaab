// The page of keys: press a key in a field, and it stands there. Without this script it is typed.

const NAVIGATION = new Set(["Tab", "Enter", "Escape"]);

document.querySelector("[data-key-recorder]")?.addEventListener("keydown", (event) => {
  const field = event.target.closest("[data-key-field]");
  if (!field || NAVIGATION.has(event.key) || event.ctrlKey || event.metaKey || event.isComposing) return;
  if (event.key === "Backspace" || event.key === "Delete") {
    event.preventDefault();
    field.value = "";
  } else if (event.key.length === 1) {
    event.preventDefault();
    field.value = event.key;
  }
});

// Runs before the first paint, therefore small and not a module: sets the theme that the person or
// the system chose, and follows the system when it changes.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("gloss.theme");
    } catch {
      return null; // storage is blocked: the system decides
    }
  };
  const apply = () => {
    const choice = chosen();
    const theme = choice === "dark" || choice === "light" ? choice : system.matches ? "dark" : "light";
    document.documentElement.dataset.bsTheme = theme;
  };
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply);
  addEventListener("gloss:theme", apply);
})();

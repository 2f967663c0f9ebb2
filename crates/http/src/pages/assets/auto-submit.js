// Sends the form at once, unless the reader came back here with the Back button.
const [navigation] = performance.getEntriesByType("navigation");
if (navigation?.type !== "back_forward") {
  document.querySelector("form[data-auto-submit]")?.requestSubmit();
}

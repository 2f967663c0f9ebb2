// Everything here improves a form that works without it.

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const reveal = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
    button.ariaLabel = shown ? button.dataset.hideLabel : button.dataset.showLabel;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    reveal(input.type === "password");
    input.focus();
  });
  // Hidden again before it is sent, so that browsers do not remember it as plain text.
  input.form.addEventListener("submit", () => reveal(false));
}

for (const hint of document.querySelectorAll("[data-caps]")) {
  const input = document.getElementById(hint.dataset.caps);
  const look = (event) => {
    const on = event.type !== "blur" && event.getModifierState?.("CapsLock");
    const text = on ? hint.dataset.text : "";
    if (hint.textContent !== text) hint.textContent = text;
  };
  for (const type of ["keydown", "keyup", "blur"]) input.addEventListener(type, look);
}

const kinds = [/[A-Z]/, /[a-z]/, /[0-9]/, /[ -/:-@[-`{-~]/];
const rules = {
  "min-length": (password, min) => [...password].length >= min,
  "character-types": (password, min) => kinds.filter((kind) => kind.test(password)).length >= min,
  "not-username": (password, _, username) =>
    password !== "" && username !== "" &&
    !password.toLowerCase().includes(username.toLowerCase()),
};
for (const list of document.querySelectorAll("[data-rules]")) {
  const form = list.closest("form");
  const { identifier, password } = form.elements;
  const check = () => {
    for (const item of list.querySelectorAll("[data-rule]")) {
      const rule = rules[item.dataset.rule];
      const met = rule?.(password.value, Number(item.dataset.min), identifier.value) ?? false;
      item.toggleAttribute("data-met", met);
      item.querySelector(".sr").hidden = !met;
    }
  };
  form.addEventListener("input", check);
  check();
}

// One submission at a time; a page that comes back from the history can be sent again.
const forms = [...document.forms];
for (const form of forms) {
  form.addEventListener("submit", (event) => {
    if ("busy" in form.dataset) event.preventDefault();
    else form.dataset.busy = "";
  });
}
addEventListener("pageshow", () => forms.forEach((form) => delete form.dataset.busy));

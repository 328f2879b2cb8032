"use strict";

// Adding a beer and seeding, by the same API that programs use. What the API says of a field is shown beside it.

const add = document.getElementById("add");
const seed = document.getElementById("seed");
const said = document.getElementById("said");
const token = document.getElementById("token");

document.querySelectorAll(".script").forEach((part) => { part.hidden = false; });
document.querySelectorAll(".scriptless").forEach((part) => { part.hidden = true; });

if (token) {
  // Kept by the tab, and gone with it.
  token.value = sessionStorage.getItem("token") ?? "";
  token.addEventListener("input", () => sessionStorage.setItem("token", token.value.trim()));
}

/** Ask the API, and return the status and the JSON of its answer. */
async function post(path, text) {
  const headers = { Accept: "application/json" };
  if (text !== undefined) headers["Content-Type"] = "application/json";
  // A header takes no other characters; whatever else was typed is no token either.
  const shown = token ? token.value.trim().replace(/[^\x21-\x7e]/g, "?") : "";
  if (shown) headers.Authorization = `Bearer ${shown}`;
  try {
    const response = await fetch(path, { method: "POST", headers, body: text });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: { detail: "The service cannot be reached. Please try again." } };
  }
}

/** What was typed, as JSON; an empty field is left out. A number is sent as it was typed, so that the service sees every digit. */
function beerAsJson() {
  const texts = Object.fromEntries([...new FormData(add)].map(([name, value]) => [name, value.trim()]));
  const abv = texts.abv.replace(",", ".");
  const isNumber = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(abv);
  const fields = Object.entries(texts).filter(([name, text]) => name !== "abv" && text);
  const parts = fields.map(([name, text]) => `${JSON.stringify(name)}: ${JSON.stringify(text)}`);
  if (abv) parts.push(`"abv": ${isNumber ? abv : JSON.stringify(texts.abv)}`);
  return `{${parts.join(", ")}}`;
}

/** Show what is wrong, beside its field where it has one; the first of them gets the focus. */
function show(answer) {
  const isUnauthorized = answer.status === 401 && token;
  const errors = isUnauthorized ? [{ field: "token", message: answer.body.detail }] : answer.body.errors ?? [];
  let first = null;
  const others = [];
  for (const { field, message } of errors) {
    const input = field === "token" ? token : add.elements.namedItem(field);
    if (!input) {
      others.push(`${field}: ${message}`);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    document.getElementById(`${input.id}-error`).textContent = message;
    first ??= input;
  }
  say(first ? "" : [answer.body.detail ?? "Something went wrong.", ...others].join(" "), true);
  first?.focus();
}

function say(text, isBad = false) {
  said.textContent = text;
  said.classList.toggle("bad", isBad);
}

function forget() {
  say("");
  for (const input of add.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const error of add.querySelectorAll(".error")) error.textContent = "";
}

/** Show the list as it is now, without losing what is typed and where the person is. */
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["beers", "styles"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
}

/** Let ``work`` be done once, however often its button is pressed. */
function once(form, work) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      forget();
      await work();
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

once(add, async () => {
  const answer = await post("/beers", beerAsJson());
  if (answer.status !== 201) return show(answer);
  add.querySelectorAll("input[name]").forEach((input) => { input.value = ""; });
  say(`${answer.body.name} is in the catalogue.`);
  document.getElementById("add-name").focus();
  await refresh();
});

once(seed, async () => {
  const answer = await post("/beers/seed");
  if (answer.status !== 200) return show(answer);
  const { inserted, present } = answer.body;
  say(inserted ? `${inserted} beers were added${present ? `, ${present} were there already` : ""}.` : "All of them are there already.");
  await refresh();
});

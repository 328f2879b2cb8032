"use strict";

// Asks for the state about once a second and shows it. Text only ever becomes text: nothing here is read as HTML.

const PAUSE = 1200;
const KEPT_CALLS = 400;
const byId = (id) => document.getElementById(id);
let calls = [];
let lastNumber = 0;
const shown = {};

function element(tag, options, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options ?? {})) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const small = (...text) => element("small", null, ...text);
const code = (text) => element("code", null, text);
const tag = (text, kind) => element("span", { class: `tag ${kind ?? ""}` }, text);
// A digest as `make up` prints it.
const shortened = (image) => image.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1");
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function time(text) {
  const shownTime = new Date(text).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  return element("time", { datetime: text }, shownTime);
}

// Replaces a part only when what it shows has changed; what was opened stays open, and the keyboard's place is kept.
function show(id, value, make) {
  const text = JSON.stringify(value);
  if (shown[id] === text) return;
  shown[id] = text;
  const place = byId(id);
  const open = new Set([...place.querySelectorAll("details[open]")].map((details) => details.dataset.key));
  const focused = place.contains(document.activeElement) ? document.activeElement.closest("details")?.dataset.key : null;
  place.replaceChildren(...[make(value)].flat());
  for (const details of place.querySelectorAll("details")) {
    details.open = open.has(details.dataset.key);
    if (focused && details.dataset.key === focused) details.querySelector("summary").focus();
  }
}

const empty = {};
const orEmpty = (id, isEmpty, make) => (value) => {
  empty[id] ??= byId(id).querySelector(".empty");
  return isEmpty(value) ? empty[id] : make(value);
};

// Calls of the last seconds: what a part is doing. The page and the rehearsal share a clock.
const RECENT = 5000;
const recent = (role) => calls.find((call) => role.test(call.caller) && Date.now() - Date.parse(call.time) < RECENT)?.action;

// Each part with what is known of it and, while something happens there, what.
function parts(state) {
  const running = state.tasks.filter((task) => task.status === "RUNNING");
  const targets = state.tasks.map((task) => task.target).filter(Boolean);
  const healthy = targets.filter((target) => target === "healthy").length;
  const changing = state.tasks.filter((task) => !["RUNNING", "STOPPED"].includes(task.status)).length;
  const sessions = running.flatMap((task) => task.sessions).reduce((sum, one) => sum + one.count, 0);
  const rotation = state.rotations.find((one) => one.state === "running");
  const resources = state.resources.reduce((sum, group) => sum + group.count, 0);
  const { allowed, denied, failed } = state.counts;
  const step = rotation ? `${rotation.name}: ${rotation.under_way}` : undefined;
  return [
    ["Load balancer", plural(healthy, "healthy target"), targets.find((target) => target !== "healthy")],
    ["Service", `${plural(running.length, "task")} running`, changing ? `${plural(changing, "task")} starting or stopping` : undefined],
    ["Database", plural(sessions, "session"), recent(/database-access/) ? "access changes" : undefined, state.access && !state.access.in_sync],
    ["Terraform", `${plural(resources, "resource")}`, recent(/deploy/)],
    ["Secrets Manager", `${plural(state.rotations.filter((one) => one.state === "succeeded").length, "rotation")} done`, step, state.rotations.some((one) => one.state === "abandoned")],
    ["db_bootstrap", `${plural(allowed + denied + failed, "AWS call")} in all, ${denied} denied`, recent(/rotation|database-access|access-plan/), denied > 0],
  ];
}

const diagram = (list) => list.map(([name, known, happening, bad]) => element("li", { class: happening ? "busy" : bad ? "bad" : null },
  element("strong", null, name), small(known), small(happening ?? "\u00a0")));

function sessions(list) {
  return list.flatMap((one, index) => [index ? ", " : "", element("span", { class: "whole" }, code(one.login), ` × ${one.count}`)]);
}

function task(one) {
  const kind = { RUNNING: "good", STOPPED: "" }[one.status] ?? "busy";
  const target = one.target ? tag(`target ${one.target}`, one.target === "healthy" ? "good" : one.target === "unhealthy" ? "bad" : "busy") : null;
  const pairs = [
    ["Task", [code(one.id)]],
    ["Image", one.images.map((image) => element("code", { title: image }, shortened(image)))],
    ["Address", [code(one.address)]],
    one.status === "STOPPED" ? ["Stopped", [one.stopped_reason ?? ""]] : ["Logs in as", one.sessions.length ? sessions(one.sessions) : ["no session"]],
  ];
  return element("div", { class: "task" },
    element("p", { class: "head" }, element("strong", null, one.group), tag(one.status.toLowerCase(), kind), target,
      one.health === "UNKNOWN" || one.status === "STOPPED" ? null : tag(`container ${one.health.toLowerCase()}`, one.health === "HEALTHY" ? "good" : "bad"), time(one.created)),
    element("dl", { class: "pairs" }, pairs.map(([name, value]) => [element("dt", null, name), element("dd", null, value)]).flat()));
}

function access(value) {
  const row = (role) => element("tr", null,
    element("th", { scope: "row" }, role.name, small(role.kind === "login" ? `login, ${role.credential}` : "role")),
    element("td", null,
      role.member_of.length ? element("span", null, "member of ", role.member_of.flatMap((name, index) => [index ? ", " : "", code(name)])) : null,
      role.acts_as ? element("span", null, role.member_of.length ? "; " : "", "acts as ", code(role.acts_as)) : null,
      role.privileges.length ? element("span", null, role.member_of.length || role.acts_as ? "; " : "", role.privileges.join(", ")) : null),
    element("td", null, role.kind === "login" ? (role.sessions.length ? sessions(role.sessions) : "no session") : ""));
  const table = element("table", { class: "stacked" },
    element("thead", null, element("tr", null, ["Name", "May", "Sessions now"].map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", null, value.roles.map(row)));
  const details = element("details", { "data-key": "statements" },
    element("summary", null, `What the last change of access ran in ${value.database}`, element("span", { class: "number" }, plural(value.changes.length, "statement"))),
    element("ol", { class: "statements", tabindex: "0" }, value.changes.map((change) => element("li", null, code(change.sql), " ", change.destructive ? tag("takes access away", "bad") : null, small(change.reason)))));
  const unmanaged = value.unmanaged.length ? element("details", { "data-key": "unmanaged" },
    element("summary", null, "Left alone", element("span", { class: "number" }, String(value.unmanaged.length))),
    element("ul", null, value.unmanaged.map((sentence) => element("li", null, sentence)))) : null;
  return [table, element("div", { class: "access-report" }, details, unmanaged)];
}

function resources(groups) {
  const roots = [...new Set(groups.map((group) => group.root))];
  return roots.flatMap((root) => [
    element("h3", { class: "root" }, root === "account" ? "terraform/account" : `terraform/environment, ${root}`),
    ...groups.filter((group) => group.root === root).map((group) => element("details", { "data-key": `${root}/${group.module}` },
      element("summary", null, group.module, element("span", { class: "number" }, String(group.count))),
      element("dl", { class: "types" }, group.types.flatMap((type) => [
        element("dt", null, type.type, type.names.length > 1 ? element("span", { class: "quiet" }, ` × ${type.names.length}`) : null),
        element("dd", null, type.names.join(", "))])))),
  ]);
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;

function rotations(list) {
  return list.map((rotation) => {
    const kind = { succeeded: "good", running: "busy", abandoned: "bad" }[rotation.state] ?? "";
    const steps = rotation.steps.map((step) => element("li", { class: step.outcome === "failed" ? "bad" : "" },
      step.step, step.outcome === "failed" ? small(step.error) : null,
      small(time(step.time), step.milliseconds === undefined ? "" : ` · ${seconds(step.milliseconds)}`)));
    if (rotation.under_way) steps.push(element("li", { class: "busy" }, rotation.under_way, small("under way")));
    const state = rotation.state === "tested" ? "function tested only" : rotation.state;
    return element("div", { class: "rotation" },
      element("p", { class: "head" }, element("strong", null, rotation.name), tag(state, kind), time(rotation.started)),
      element("ol", { class: "steps" }, steps));
  });
}

const READS = /:(Describe|Get|List|Head|Lookup|Query|Select|BatchGet)/;

function isWanted(call) {
  const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const outcome = byId("outcome").value;
  const text = `${call.caller} ${call.action} ${call.code ?? ""} ${call.status}`.toLowerCase();
  return words.every((word) => text.includes(word))
    && (outcome === "all" || (outcome === "changes" ? !READS.test(call.action) : call.outcome === outcome));
}

// A role, and more quietly its session.
function who(caller) {
  const [role, session] = caller.split("/");
  return session ? [role, element("span", { class: "quiet" }, ` ${session}`)] : caller;
}

function callRow(call) {
  const outcome = call.outcome === "allowed" ? element("span", { class: "quiet" }, "allowed")
    : call.outcome === "denied" ? tag("denied", "bad") : element("span", { class: "failed" }, call.code?.replace(/Exception$/, "") ?? String(call.status));
  return element("tr", null, element("td", null, time(call.time)), element("td", null, code(call.action), call.count > 1 ? element("span", { class: "quiet" }, ` × ${call.count}`) : null),
    element("td", { title: call.caller }, who(call.caller)), element("td", null, outcome));
}

function showCalls() {
  const wanted = calls.filter(isWanted);
  byId("journal").replaceChildren(...wanted.map(callRow));
  byId("no-calls").hidden = wanted.length > 0;
  byId("shown").textContent = `${wanted.length} of the last ${calls.length}`;
}

const kindOf = (call) => [call.caller, call.action, call.outcome, call.code ?? call.status].join(" ");

function takeCalls({ counts, newest }) {
  const total = counts.allowed + counts.denied + counts.failed;
  if (total < lastNumber) { // another rehearsal answers at the same address
    calls = [];
    lastNumber = 0;
    return;
  }
  if (!newest.length) return;
  lastNumber = newest[newest.length - 1].number;
  const newer = new Set(newest.map(kindOf));
  calls = [...newest.slice().reverse(), ...calls.filter((call) => !newer.has(kindOf(call)))].slice(0, KEPT_CALLS);
  showCalls();
}

function addresses(found) {
  return Object.entries(found).map(([name, url]) => element("span", null, `${name} `,
    name === "service" ? element("a", { href: url }, url.replace("http://", "")) : code(url.replace("http://", ""))));
}

function say(text, isBad) {
  const live = byId("live");
  if (live.textContent === text) return;
  live.textContent = text;
  live.classList.remove("waiting");
  live.classList.toggle("bad", isBad);
  document.body.classList.toggle("stale", isBad);
}

let isLooking = false;

async function look() {
  if (isLooking) return; // or the same calls would be taken twice
  isLooking = true;
  try {
    const answer = await fetch(`/state.json?after=${lastNumber}`, { signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    takeCalls(state.calls);
    byId("main").hidden = false;
    show("diagram", parts({ ...state, counts: state.calls.counts }), diagram);
    show("addresses", state.addresses, addresses);
    show("tasks", state.tasks, orEmpty("tasks", (list) => !list.length, (list) => list.map(task)));
    show("access", state.access, orEmpty("access", (value) => !value, access));
    show("resources", state.resources, orEmpty("resources", (list) => !list.length, resources));
    show("rotations", state.rotations, orEmpty("rotations", (list) => !list.length, rotations));
    say("Live", false);
  } catch {
    say("No answer: the rehearsal has ended, or is busy", true);
  } finally {
    isLooking = false;
  }
}

async function follow() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

byId("words").addEventListener("input", showCalls);
byId("outcome").addEventListener("change", showCalls);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
follow();

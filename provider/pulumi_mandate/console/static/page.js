// What the page does with the verifier: it shows green only for what was computed to its end.

import { parse, toHex } from "./protocol.js";
import { leavesOf, verify } from "./verify.js";

const at = (id) => document.getElementById(id);

/** The document's bytes, as they are embedded. */
function embedded() {
  return Uint8Array.from(atob(at("document").textContent), (char) => char.charCodeAt(0));
}

/** JSON in printable ASCII, so that nothing in it can move, hide or imitate text. */
function ascii(value) {
  const escape = (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
  return JSON.stringify(value, null, 2).replace(/[^\n -~]/g, escape);
}

/** Every operation of the bytes has its entry, and every entry its operation. */
function entriesMatch(content) {
  const operations = new Map(leavesOf(content).map((leaf, index) => [toHex(leaf), content.operations[index]]));
  for (const entry of document.querySelectorAll("[data-leaf]")) {
    const operation = operations.get(entry.dataset.leaf);
    if (!operation || !operations.delete(entry.dataset.leaf)) return false;
    entry.querySelector(".bytes").textContent = ascii(operation);
  }
  return operations.size === 0;
}

function show(state, verdict, advice) {
  document.body.dataset.state = state;
  at("verdict").textContent = verdict;
  at("advice").textContent = advice;
  // What does not belong to the hash is not shown beside it.
  for (const id of ["comparison", "diff", "limits"]) at(id).hidden = state !== "good";
  at("how").open = state !== "good";
}

function list(steps) {
  const words = new Map([[true, "good"], [false, "bad"], [null, "none"]]);
  at("steps").replaceChildren(...steps.map(({ name, ok, detail }) => {
    const item = document.createElement("li");
    item.className = words.get(ok);
    item.textContent = `${name}: ${ascii(detail).slice(1, -1)}`;
    return item;
  }));
}

function compare(planHash) {
  const seen = at("seen").value.trim().toLowerCase();
  const same = seen === planHash;
  at("same").className = seen === "" ? "" : same ? "good" : "bad";
  at("same").textContent = seen === "" ? "Paste it here: only you can make this comparison."
    : same ? "Same: what you read is what would be approved."
      : "Different: do not vote for it. What your wallet shows is not this plan.";
}

function save(bytes) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
  link.download = "plan.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

function check() {
  const bytes = embedded();
  const { chainId, registry, planHash: claimed } = JSON.parse(at("claim").textContent);
  const { ok, planHash, steps } = verify(bytes, { chainId, registry }, claimed);
  const matching = ok && entriesMatch(parse(bytes));
  const entries = matching ? "one for every operation, and no other" : "they are not those of the operations";
  steps.push({ name: "entries", ok: ok ? matching : null, detail: ok ? entries : "not tried" });
  list(steps);
  if (!matching) {
    const failed = steps.find((step) => !step.ok);
    show("bad", `Not verified: ${failed.name}`, "The bytes in this page are not the plan that it claims to show, so it"
      + " shows none. Do not vote for it. Ask the proposer for the document, or run mandate show yourself.");
    return;
  }
  show("good", "Recomputed: the bytes in this page have this plan hash", "Now compare it with what your wallet or the"
    + " chain shows. The page cannot do that for you.");
  at("recomputed").textContent = planHash;
  at("seen").addEventListener("input", () => compare(planHash));
  compare(planHash);
  at("save").disabled = false;
  at("save").addEventListener("click", () => save(bytes));
}

try {
  check();
} catch (error) {
  show("bad", "Not verified: the check itself failed", `Nothing here is verified (${error.name}).`);
}

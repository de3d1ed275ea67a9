// What undoing a plan would not bring back, as Python's `plan.inverse` says it.

import { ALONE, LASTING, LOSSES, LOST, MAKING, REPLACING } from "./constants.js";
import { canonical, equal } from "./protocol.js";

/** `[{urn, op, reason}]`, in the order of the operations: the weightiest reason of each. */
export function lossesOf(operations) {
  const steps = grouped(operations.map((step) => [step.urn, step]));
  const takers = takenFromTheLost(operations);
  return operations.flatMap((step) => {
    const [reason] = reasonsOf(step, steps.get(step.urn), takers);
    return reason === undefined ? [] : [{ urn: step.urn, op: step.op, reason }];
  });
}

function* reasonsOf(step, steps, takers) {
  const { urn, type, op, before } = step;
  const options = step.options.after ?? {};
  if (Object.hasOwn(LOST, op) && !isGroup(step)) yield LOST[op];
  if (leavesManagement(step)) yield LOST.abandon;
  if (MAKING.includes(op) && options.protect === true) yield LOSSES.protected;
  if (MAKING.includes(op) && options.retainOnDelete === true) yield LOSSES.kept;
  if (before !== null && Object.hasOwn(before, "urn")) yield LOSSES.renamed;
  if (Object.hasOwn(LASTING, type) && Object.hasOwn(LASTING[type], op)) yield LASTING[type][op];
  if (op === "update" && takers.has(urn)) yield LOSSES.taken;
  if (!leadsBack(steps) && !op.startsWith("discard")) yield LOSSES["one way"];
}

/** A component or a stack that goes; it holds nothing itself. */
function isGroup({ op, id, provider }) {
  return op === "delete" && id === null && provider.before === null;
}

/** A managed resource that is only read from now on stays where it is, like an abandoned one. */
function leavesManagement({ op, options }) {
  return op === "read" && options.before !== null && options.before.external !== true;
}

function leadsBack(steps) {
  const names = steps.map(({ op }) => op).sort();
  if (names.join() === REPLACING.join()) return true;
  return steps.length === 1 && ALONE.includes(names[0]) && !leavesManagement(steps[0]);
}

/** Updates that change an input which came from something lost, or from another such update. */
function takenFromTheLost(operations) {
  const pairs = operations.filter(({ op }) => op === "update")
    .flatMap((step) => sourcesOfWhatChanges(step).map((source) => [source, step.urn]));
  const takers = grouped(pairs);
  const found = new Set();
  const waiting = operations.filter(({ op }) => Object.hasOwn(LOST, op)).map(({ urn }) => urn);
  while (waiting.length > 0) {
    for (const urn of takers.get(waiting.pop()) ?? []) {
      if (!found.has(urn)) waiting.push(urn);
      found.add(urn);
    }
  }
  return found;
}

function sourcesOfWhatChanges({ before, after, propertyDependencies }) {
  return Object.entries(propertyDependencies.before ?? {})
    .filter(([key]) => differ(before?.inputs ?? {}, after?.inputs ?? {}, key)).flatMap(([, urns]) => urns);
}

/** The values of the same key, in one list. */
function grouped(pairs) {
  const lists = new Map();
  for (const [key, value] of pairs) {
    if (!lists.has(key)) lists.set(key, []);
    lists.get(key).push(value);
  }
  return lists;
}

function differ(one, other, key) {
  if (!Object.hasOwn(one, key) || !Object.hasOwn(other, key)) {
    return Object.hasOwn(one, key) !== Object.hasOwn(other, key);
  }
  return !equal(canonical(one[key]), canonical(other[key]));
}

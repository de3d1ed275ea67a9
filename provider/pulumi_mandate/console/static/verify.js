// Recomputes a plan hash from the bytes of its document, and believes nothing else.

import { keccak } from "./keccak.js";
import { COST, NOBODY_KNOWS, SCHEMA } from "./constants.js";
import { Refused, canonical, leaf, parse, planHash, require, root, subjectHash, toHex } from "./protocol.js";
import { checkDocument } from "./document.js";

/** The leaves of a checked document, in order. */
export function leavesOf(content) {
  return content.operations.map((operation, index) =>
    leaf(index, operation.kind, operation.tier, operation.urn, keccak(canonical(operation))));
}

/** What the plan adds to the monthly bill: the nearest cent, halves up; 0 where it falls. */
function centsAMonth(checks) {
  const [id, measure] = COST;
  const check = checks.find((one) => one.id === id && Object.hasOwn(one.measures, measure));
  const cents = (check ? check.measures[measure] : Infinity) * 100 + 0.5;
  return cents < NOBODY_KNOWS ? Math.max(0, Math.floor(cents)) : NOBODY_KNOWS;
}

/** The fields of the plan hash, from a checked document and its bytes. */
export function planOf(content, bytes, effectRoot) {
  const part = (value) => toHex(keccak(canonical(value)));
  return {
    subject: toHex(subjectHash(content.subject)),
    effectRoot: toHex(effectRoot),
    operationCount: content.operations.length,
    kinds: content.operations.reduce((mask, operation) => mask | (1 << operation.kind), 0),
    cost: centsAMonth(content.checks),
    program: content.program.digest,
    toolchain: part(content.toolchain),
    rules: content.rules,
    checks: part(content.checks),
    rollback: part(content.rollback),
    document: toHex(keccak(bytes)),
    clears: content.clears,
    proposer: content.proposer,
    tier: content.tier.tier,
    notBefore: content.window.notBefore,
    expiresAt: content.window.expiresAt,
    salt: content.salt,
  };
}

// --- the whole check, step by step ------------------------------------------------------------

/**
 * Recompute the plan hash of `bytes` under `domain` ({chainId, registry}), step by step.
 *
 * Returns `{ok, planHash, plan, steps}`; a step is `{number, name, ok, detail}`. What comes after a
 * failed step is not tried: its `ok` is null. `claimed` is the hash that somebody says it has.
 */
export function verify(bytes, domain, claimed) {
  const found = {};
  const steps = [
    ["document", () => {
      found.content = parse(bytes);
      return `${bytes.length} bytes, canonical`;
    }],
    ["structure", () => {
      checkDocument(found.content);
      const { organisation, project, stack } = found.content.subject;
      return `${SCHEMA} for ${organisation}/${project}/${stack}`;
    }],
    ["effect root", () => {
      found.root = root(leavesOf(found.content));
      require(found.content.effectRoot === toHex(found.root), "it does not follow from the operations");
      return `${toHex(found.root)}, of ${found.content.operations.length} operations`;
    }],
    ["fields", () => {
      found.plan = planOf(found.content, bytes, found.root);
      return `document ${found.plan.document}`;
    }],
    ["plan hash", () => {
      found.planHash = toHex(planHash(domain, found.plan));
      return `${found.planHash}, on chain ${domain.chainId}, registry ${domain.registry}`;
    }],
    ["claim", () => {
      require(claimed === found.planHash, `the hash that is claimed for it is another one: ${claimed}`);
      return "the hash that is claimed for it is this one";
    }],
  ];
  const results = [];
  for (const [name, run] of steps) {
    results.push({ number: results.length + 1, name, ...attempt(run, results.at(-1)) });
  }
  return { ok: results.every((step) => step.ok), planHash: found.planHash, plan: found.plan, steps: results };
}

function attempt(run, previous) {
  if (previous && !previous.ok) return { ok: null, detail: "not tried" };
  try {
    return { ok: true, detail: run() };
  } catch (error) {
    // A defect of ours refuses too: nothing is verified that was not computed to its end.
    return { ok: false, detail: error instanceof Refused ? error.message : `a defect: ${error.name}` };
  }
}

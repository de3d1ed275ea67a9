// Recomputes a plan hash from the bytes of its document, and believes nothing else.
//
// The third implementation of the protocol, beside Python (`pulumi_mandate.plan`) and Solidity
// (`contracts/src/libraries`): all three read `tests/vectors/`. No dependency, no network, no clock.
// It runs in Node and, inside the page that `mandate show --html` writes, in a voter's browser.

import { keccak } from "./keccak.js";

// The constants between the two marks are written by `python -m tests.vectors.generate`.
// constants:begin
const CONSTANTS = {
  SCHEMA: "mandate/plan/v1",
  STEPS_OF_PLAN: {"up": ["abandon", "create", "create-replacement", "delete", "delete-replaced", "discard", "discard-replaced", "import", "import-replacement", "metadata", "read", "read-replacement", "remove-pending-replace", "replace", "update"], "destroy": ["abandon", "delete", "delete-replaced", "discard", "discard-replaced"], "refresh": ["forget", "refresh"], "import": ["create", "import"]},
  KIND_OF: {"create": 0, "update": 1, "replace": 2, "create-replacement": 2, "delete-replaced": 2, "import-replacement": 2, "read-replacement": 2, "delete": 3, "abandon": 4, "import": 5, "read": 6, "discard": 6, "discard-replaced": 6, "remove-pending-replace": 7, "metadata": 7, "refresh": 7, "forget": 4},
  PARTS: ["base", "checks", "clears", "config", "effectRoot", "kind", "operations", "program", "proposer", "rollback", "rules", "salt", "schema", "secretKeyId", "source", "subject", "tier", "toolchain", "unknowns", "window"],
  OPERATION_PARTS: ["after", "before", "dependencies", "id", "kind", "op", "options", "propertyDependencies", "provider", "replaceKeys", "rule", "tier", "type", "urn"],
  MARKER: "mandate:v1",
  MARKERS: {"unknown": {"secret": ["boolean"]}, "secret": {"commitment": ["string"]}, "auto-name": {"prefix": ["string"], "drawn": ["string"]}, "bytes": {"base64": ["string"]}, "asset": {"archive": ["boolean"], "hash": ["string", "null"], "path": ["string", "null"], "entries": ["object", "null"]}, "reference": {"urn": ["string"], "id": ["string", "object", "null"]}, "provider-code": {"module": ["string"], "class": ["string"], "package": ["string"], "code": ["string"]}, "escaped": {"entries": ["list"]}},
  RULE_ID: "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
  TIERS: {"low": 1, "high": 3, "last": 5},
  LIMITS: {"size": 268435456, "depth": 64, "operations": 200000},
  PLAN_TYPE: "Plan(bytes32 subject,bytes32 effectRoot,uint32 operationCount,uint32 kinds,bytes32 program,bytes32 toolchain,bytes32 rules,bytes32 checks,bytes32 rollback,bytes32 document,bytes32 clears,address proposer,uint8 tier,uint64 notBefore,uint64 expiresAt,bytes32 salt)",
  SUBJECT_TYPE: "Subject(string backend,string organisation,string project,string stack)",
  DOMAIN_TYPE: "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
};
// constants:end

const { SCHEMA, STEPS_OF_PLAN, KIND_OF, PARTS, OPERATION_PARTS, MARKER, MARKERS, RULE_ID, TIERS, LIMITS,
  PLAN_TYPE, SUBJECT_TYPE, DOMAIN_TYPE } = CONSTANTS;

/** What is not a document, or not the one it is said to be. The message says what was found. */
export class Refused extends Error {}

function require(condition, happened) {
  if (!condition) throw new Refused(happened);
}

// --- bytes ------------------------------------------------------------------------------------

const encoder = new TextEncoder();

export function toHex(bytes) {
  return "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The 32 bytes of `0x` and 64 hex digits; nothing shorter is padded. */
export function digest(text) {
  require(typeof text === "string" && /^0x[0-9a-fA-F]{64}$/.test(text), "a digest is not 32 bytes");
  return fromHex(text);
}

export function fromHex(text) {
  require(typeof text === "string" && /^0x([0-9a-fA-F]{2})*$/.test(text), "not hexadecimal");
  return Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function equal(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

// --- canonical bytes: RFC 8785 (JCS) ----------------------------------------------------------

/** Canonical bytes, and only those: what is parsed is written again and compared byte for byte. */
export function parse(bytes, limits = LIMITS) {
  require(bytes.length <= limits.size, `the document has ${bytes.length} bytes, too many`);
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Refused("the bytes are not JSON in UTF-8");
  }
  require(equal(canonical(value, limits), bytes), "JSON, but not in its canonical form");
  return value;
}

/** The one byte string of a value. Throws `Refused` for what has none. */
export function canonical(value, limits = LIMITS) {
  return encoder.encode(written(value, limits.depth));
}

function written(value, depth) {
  if (typeof value === "string") {
    require(value.isWellFormed(), "a text holds a lone surrogate");
    return JSON.stringify(value);
  }
  if (typeof value === "number") require(Number.isFinite(value), "a number is not finite");
  if (value === null || typeof value === "boolean" || typeof value === "number") {
    return JSON.stringify(value); // ECMAScript's own form of a number is the one of RFC 8785
  }
  require(depth > 0, "the document is nested too deeply");
  if (Array.isArray(value)) return `[${value.map((item) => written(item, depth - 1)).join(",")}]`;
  require(isObject(value), "a value has no canonical form");
  const keys = Object.keys(value).sort(); // by UTF-16 code units, as RFC 8785 asks
  return `{${keys.map((key) => `${written(key, 1)}:${written(value[key], depth - 1)}`).join(",")}}`;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// --- the effect root --------------------------------------------------------------------------

const LEAF_V1 = keccak(encoder.encode("mandate/leaf/v1"));

/** One operation's leaf: hashed twice, so that no inner node can pass for one. */
export function leaf(index, kind, tier, urn, operationDigest) {
  require(operationDigest.length === 32, "a digest is not 32 bytes");
  return leafOf(join(LEAF_V1, uint(index, 256), uint(kind, 8), uint(tier, 8),
    keccak(encoder.encode(urn)), operationDigest));
}

export function leafOf(preimage) {
  return keccak(keccak(preimage));
}

/** The root of at least one leaf: a complete binary tree in one array, as OpenZeppelin builds it. */
export function root(leaves) {
  require(leaves.length > 0, "the plan is empty");
  const tree = [...Array(leaves.length - 1), ...leaves.toReversed()];
  for (let at = leaves.length - 2; at >= 0; at--) tree[at] = pair(tree[2 * at + 1], tree[2 * at + 2]);
  return tree[0];
}

/** Whether the siblings lead from the leaf to the root. */
export function includes(leafDigest, siblings, expected) {
  return equal(siblings.reduce(pair, leafDigest), expected);
}

function pair(left, right) {
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return keccak(left[at] < right[at] ? join(left, right) : join(right, left));
}

// --- the plan hash: EIP-712 -------------------------------------------------------------------

/** A number as one ABI word. Throws `Refused` where it does not fit into so many bits. */
function uint(value, bits) {
  const whole = typeof value === "bigint" || Number.isSafeInteger(value);
  require(whole && value >= 0 && BigInt(value) < 2n ** BigInt(bits), `a number is not a uint${bits}`);
  return fromHex("0x" + BigInt(value).toString(16).padStart(64, "0"));
}

/** An EIP-55 address as one ABI word. */
function address(text) {
  require(isAddress(text), "an address is not one, or its checksum does not match");
  return join(new Uint8Array(12), fromHex(text));
}

export function isAddress(text) {
  if (typeof text !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(text)) return false;
  const sums = toHex(keccak(encoder.encode(text.slice(2).toLowerCase())));
  return [...text].every((char, at) => at < 2 || !/[a-f]/i.test(char)
    || (char === char.toUpperCase()) === (parseInt(sums[at], 16) >= 8));
}

function word(type, value) {
  if (type === "bytes32") return digest(value);
  return type === "address" ? address(value) : uint(value, Number(type.slice("uint".length)));
}

export function subjectHash(subject) {
  const names = ["backend", "organisation", "project", "stack"];
  return keccak(join(hashOf(SUBJECT_TYPE), ...names.map((name) => hashOf(subject[name]))));
}

function hashOf(text) {
  return keccak(encoder.encode(text));
}

/** The plan hash of the 16 fields under a domain `{chainId, registry}`; no field more, none less. */
export function planHash(domain, plan) {
  const members = PLAN_TYPE.slice(PLAN_TYPE.indexOf("(") + 1, -1).split(",").map((m) => m.split(" "));
  require(sameKeys(plan, members.map(([, name]) => name)), "the fields are not those of a plan");
  require(plan.tier <= TIERS.last, "the tier is not known");
  const struct = keccak(join(hashOf(PLAN_TYPE), ...members.map(([type, name]) => word(type, plan[name]))));
  const separator = keccak(join(hashOf(DOMAIN_TYPE), hashOf("Mandate"), hashOf("1"),
    uint(domain.chainId, 256), address(domain.registry)));
  return keccak(join(Uint8Array.of(0x19, 0x01), separator, struct));
}

// --- the document -----------------------------------------------------------------------------

function sameKeys(value, keys) {
  return isObject(value) && canonicalKeys(Object.keys(value)) === canonicalKeys(keys);
}

function canonicalKeys(keys) {
  return JSON.stringify([...keys].sort());
}

function isText(value) {
  return typeof value === "string";
}

function isDigest(value) {
  return isText(value) && /^0x[0-9a-fA-F]{64}$/.test(value);
}

/** By code points, as Python sorts; JavaScript's own order is by UTF-16 units. */
function before(left, right) {
  const [a, b] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at] !== b[at]) return a[at].codePointAt(0) < b[at].codePointAt(0);
  }
  return a.length < b.length;
}

/** Whether the value holds no marker that is unknown, or lacks or adds a part. */
export function markersAreWhole(value) {
  if (Array.isArray(value)) return value.every(markersAreWhole);
  if (!isObject(value)) return true;
  return (!Object.hasOwn(value, MARKER) || isWhole(value)) && Object.values(value).every(markersAreWhole);
}

function isWhole(marker) {
  const name = marker[MARKER];
  if (!isText(name) || !Object.hasOwn(MARKERS, name)) return false;
  const parts = MARKERS[name];
  if (!sameKeys(marker, [MARKER, ...Object.keys(parts)])) return false;
  if (!Object.entries(parts).every(([part, types]) => types.includes(typeName(marker[part])))) return false;
  return name !== "escaped" || areEntries(marker.entries);
}

function typeName(value) {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}

function areEntries(entries) {
  const pairs = entries.every((entry) => Array.isArray(entry) && entry.length === 2 && isText(entry[0]));
  return pairs && entries.some(([key]) => key === MARKER)
    && entries.every(([key], at) => at === 0 || before(entries[at - 1][0], key));
}

/** What Python's `Document.load` asks of the frame; throws `Refused`. */
export function checkDocument(content, limits = LIMITS) {
  require(isObject(content), "the document is not an object");
  require(content.schema === SCHEMA, `the schema is not ${SCHEMA}`);
  require(sameKeys(content, PARTS), "the document lacks a part, or holds one that is not known");
  require(isText(content.kind) && Object.hasOwn(STEPS_OF_PLAN, content.kind), "the kind of plan is not known");
  const { operations, subject, window, tier } = content;
  require(Array.isArray(operations) && operations.length > 0, "the plan is empty");
  require(operations.length <= limits.operations, "the plan has too many operations");
  operations.forEach(checkOperation);
  require(operations.every(({ op }) => STEPS_OF_PLAN[content.kind].includes(op)),
    "an operation's step is not one of this kind of plan");
  require(operations.every((operation, at) => at === 0 || isBefore(operations[at - 1], operation)),
    "the operations are not sorted");
  require(sameKeys(subject, ["backend", "organisation", "project", "stack"])
    && Object.values(subject).every((text) => isText(text) && text !== ""), "the subject is not four texts");
  require(sameKeys(window, ["notBefore", "expiresAt"])
    && Object.values(window).every((time) => Number.isSafeInteger(time) && time >= 0)
    && window.notBefore < window.expiresAt, "the window is not two times in order");
  checkTier(tier, operations);
  for (const part of ["toolchain", "config", "rollback"]) {
    require(isObject(content[part]), `the part ${part} is not an object`);
  }
  require(Object.values(content.config).every(markersAreWhole), "the configuration holds a marker that is not whole");
  require(Array.isArray(content.checks), "the checks are not a list");
  checkProgram(content.program);
  const digests = [content.rules, content.salt, content.clears, content.secretKeyId];
  require(digests.every(isDigest) && (content.base === null || isDigest(content.base)),
    "a digest in the document is not 32 bytes of hexadecimal");
  require((content.base !== null) === (tier.tier === TIERS.high), "a plan names its base where its tier is high");
  require(isAddress(content.proposer), "the proposer is not an address");
}

/** Its digest is the one of its files: [path, mode, SHA-256], by path. */
function checkProgram(program) {
  require(sameKeys(program, ["digest", "commit", "files"]), "the program is not a digest, a commit and files");
  const { files, commit } = program;
  require(Array.isArray(files)
    && files.every((file) => Array.isArray(file) && file.length === 3 && file.every(isText))
    && files.every(([path], at) => at === 0 || before(files[at - 1][0], path)),
    "the program's files are not a list of path, mode and SHA-256, in order");
  require(program.digest === toHex(keccak(canonical(files))), "the program's digest does not follow from its files");
  require(commit === null || (isText(commit) && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)),
    "the program's commit is not the digest of one");
}

/** A plan may need more than any of its operations, never less. */
function checkTier(plan, operations) {
  require(sameKeys(plan, ["tier", "rule", "reasons"]), "the tier is not a number, a rule and the reasons");
  const { tier, rule, reasons } = plan;
  require(isTier(tier) && isRule(rule), "the plan's tier is not low, medium or high by a rule");
  const highest = operations.reduce((found, operation) => operation.tier > found.tier ? operation : found);
  require(tier > highest.tier || (tier === highest.tier && rule === highest.rule),
    "the tier and its rule are not the highest of the operations");
  const fired = new Set([rule, ...operations.map((operation) => operation.rule)]);
  require(isObject(reasons) && Object.entries(reasons).every(([key, text]) => fired.has(key) && isText(text)),
    "a reason is given for a rule that did not fire, or is no text");
}

function isTier(value) {
  return Number.isInteger(value) && value >= TIERS.low && value <= TIERS.high;
}

function isRule(value) {
  return isText(value) && new RegExp(`^(?:${RULE_ID})$`).test(value);
}

function checkOperation(operation) {
  require(sameKeys(operation, OPERATION_PARTS), "an operation lacks a part, or holds one that is not known");
  const { urn, type, op, rule, kind, tier, id, dependencies, propertyDependencies, replaceKeys } = operation;
  require([urn, type, op, rule].every(isText), "an operation's name is not text");
  require(id === null || isText(id), "a physical id is not text");
  require(kind === KIND_OF[op], "an operation's kind does not follow from its step");
  require(isTier(tier), "an operation's tier is not known");
  require(isRule(rule), "an operation's rule is not the id of a rule");
  for (const part of ["before", "after"]) {
    require(operation[part] === null || isObject(operation[part]), "what an operation changes is not an object");
  }
  for (const part of ["provider", "options", "dependencies", "propertyDependencies"]) {
    require(sameKeys(operation[part], ["before", "after"]),
      "a provider, the options or the dependencies do not have two sides");
  }
  const sources = there(propertyDependencies);
  require(sources.every(isObject)
    && [replaceKeys, ...there(dependencies), ...sources.flatMap(Object.values)].every(isSet),
    "the dependencies or replace keys are not sets of texts");
  const { provider, options } = operation;
  require(markersAreWhole([operation.before, operation.after, provider.before, provider.after, options.before,
    options.after]), "an operation holds a marker that is not known or not whole");
}

/** A resource that is not there yet, or no more, has no side. */
function there(sides) {
  return Object.values(sides).filter((side) => side !== null);
}

/** Of texts, in the one form that a set has: sorted, each of them once. */
function isSet(value) {
  return Array.isArray(value) && value.every(isText)
    && value.every((text, at) => at === 0 || before(value[at - 1], text));
}

/** By URN, engine step and physical id; no two are the same. */
function isBefore(left, right) {
  for (const part of ["urn", "op", "id"]) {
    const [a, b] = [left[part] ?? "", right[part] ?? ""];
    if (a !== b) return before(a, b);
  }
  return false;
}

/** The leaves of a checked document, in order. */
export function leavesOf(content) {
  return content.operations.map((operation, index) =>
    leaf(index, operation.kind, operation.tier, operation.urn, keccak(canonical(operation))));
}

/** The fields of the plan hash, from a checked document and its bytes. */
export function planOf(content, bytes, effectRoot) {
  const part = (value) => toHex(keccak(canonical(value)));
  return {
    subject: toHex(subjectHash(content.subject)),
    effectRoot: toHex(effectRoot),
    operationCount: content.operations.length,
    kinds: content.operations.reduce((mask, operation) => mask | (1 << operation.kind), 0),
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

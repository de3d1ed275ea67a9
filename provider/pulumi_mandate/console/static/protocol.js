// The parts of the protocol that every reader of it writes alike: bytes, leaves, root, plan hash.
//
// The third implementation, beside Python (`pulumi_mandate.plan`) and Solidity
// (`contracts/src/libraries`): all three read `tests/vectors/`. No dependency, no network, no clock.
// It runs in Node and, inside the page that `mandate show --html` writes, in a voter's browser.

import { keccak } from "./keccak.js";
import { DOMAIN_TYPE, LIMITS, PLAN_TYPE, SUBJECT_TYPE, TIERS } from "./constants.js";

/** What is not a document, or not the one it is said to be. The message says what was found. */
export class Refused extends Error {}

export function require(condition, happened) {
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

export function equal(left, right) {
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

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether this is an object with exactly these keys. */
export function sameKeys(value, keys) {
  const sorted = (texts) => JSON.stringify([...texts].sort());
  return isObject(value) && sorted(Object.keys(value)) === sorted(keys);
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

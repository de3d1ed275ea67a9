// The shared vectors, read by the JavaScript verifier. `tests/console/test_verify.py` runs it in Node.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as document from "../../provider/pulumi_mandate/console/static/document.js";
import { keccak } from "../../provider/pulumi_mandate/console/static/keccak.js";
import * as protocol from "../../provider/pulumi_mandate/console/static/protocol.js";
import * as verifier from "../../provider/pulumi_mandate/console/static/verify.js";

const ours = { ...protocol, ...document, ...verifier };

const encode = (text) => new TextEncoder().encode(text);
const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url)));
const digests = (list) => list.map(ours.digest);
const leafOf = ({ index, kind, tier, urn, operationDigest }) =>
  ours.leaf(index, kind, tier, urn, ours.digest(operationDigest));

function each(cases, check) {
  assert.ok(cases.length > 0);
  for (const found of cases) test(found.name, () => check(found));
}

const { positive, negative } = read("canonical");

each(positive, (found) => {
  const bytes = encode(found.canonical);
  assert.deepEqual(ours.canonical(ours.parse(bytes)), bytes);
  assert.equal(ours.toHex(keccak(bytes)), found.keccak);
});

each(negative, (found) => {
  assert.throws(() => ours.parse(ours.fromHex(found.bytes)), ours.Refused);
});

for (const value of [NaN, Infinity, -Infinity, "\ud800", { "\udc00": 1 }, undefined, 1n, [() => 1]]) {
  test(`no canonical form: ${String(value)}`, () => {
    assert.throws(() => ours.canonical(value), ours.Refused);
  });
}

each(read("markers").positive, (found) => assert.ok(ours.markersAreWhole(found.value)));

each(read("markers").negative, (found) => assert.ok(!ours.markersAreWhole(found.value)));

each(read("merkle"), (found) => {
  const leaves = found.leaves.map(leafOf);
  assert.deepEqual(leaves.map(ours.toHex), found.leaves.map((leaf) => leaf.leaf));
  const root = ours.root(leaves);
  assert.equal(ours.toHex(root), found.root);
  leaves.forEach((leaf, at) => {
    assert.ok(ours.includes(leaf, digests(found.proofs[at]), root));
    assert.ok(!ours.includes(keccak(leaf), digests(found.proofs[at]), root));
  });
});

each(read("merkle_refused").leaves, (found) => {
  assert.ok(!ours.includes(leafOf(found.leaf), digests(found.proof), ours.digest(found.root)));
});

each(read("merkle_refused").preimages, (found) => {
  const leaf = ours.leafOf(ours.fromHex(found.preimage));
  assert.ok(!ours.includes(leaf, digests(found.proof), ours.digest(found.root)));
});

each(read("plan_hash"), (found) => {
  assert.equal(ours.toHex(ours.planHash(found.domain, found.plan)), found.planHash);
});

each(read("plan_claims"), (found) => {
  assert.notEqual(ours.toHex(ours.planHash(found.domain, found.plan)), found.claimed);
});

each(read("plan_refused"), (found) => {
  assert.throws(() => ours.planHash(found.domain, found.plan), ours.Refused);
});

each(read("document"), (found) => {
  const bytes = encode(found.bytes);
  const result = ours.verify(bytes, found.domain, found.planHash);
  assert.deepEqual(result.steps.filter((step) => !step.ok), []);
  assert.equal(result.ok, true);
  assert.equal(result.planHash, found.planHash);
  assert.deepEqual(result.plan, found.plan);
  const { operations } = ours.parse(bytes);
  const leaves = ours.leavesOf(ours.parse(bytes));
  found.leaves.forEach((leaf, at) => {
    assert.deepEqual(ours.canonical(operations[at]), encode(leaf.operation));
    assert.equal(ours.toHex(leaves[at]), leaf.leaf);
    assert.ok(ours.includes(leaves[at], digests(leaf.proof), ours.digest(found.effectRoot)));
  });
  const other = ours.verify(bytes, { ...found.domain, chainId: found.domain.chainId + 1 }, found.planHash);
  assert.deepEqual(other.steps.map((step) => step.ok), [true, true, true, true, true, false]);
});

each(read("document_refused"), (found) => {
  const { domain, planHash } = read("document")[0];
  const result = ours.verify(encode(found.bytes), domain, planHash);
  assert.equal(result.ok, false);
  assert.equal(result.planHash, undefined);
  const failed = result.steps.findIndex((step) => !step.ok);
  assert.equal(result.steps[failed].ok, false);
  assert.ok(!result.steps[failed].detail.startsWith("a defect"), result.steps[failed].detail);
  assert.ok(result.steps.slice(failed + 1).every((step) => step.ok === null));
});

test("too many operations", () => {
  const content = ours.parse(encode(read("document")[0].bytes));
  const operations = content.operations.length;
  ours.checkDocument(content, { operations });
  assert.throws(() => ours.checkDocument(content, { operations: operations - 1 }), /too many operations/);
});

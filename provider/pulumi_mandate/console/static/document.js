// What is a document, and what only looks like one: every refusal of Python's `Document.load`.
//
// `tests/console/test_same_verdict.py` changes documents in one place at a time and asks both. What
// is left to other readers is what no document can show: that its rules are those that the chain
// names, its checks what the rules ask for, and its programs those of its source.

import { keccak } from "./keccak.js";
import { CHANGE_PARTS, CHECK_ID, CHECK_PARTS, COMMIT, FILE_MODES, KIND_OF, LIMITS, LINE } from "./constants.js";
import { MARKER, MARKERS, MEASURE, MOST_FINDINGS, MOST_MEASURES, OPERATION_PARTS, PARTS } from "./constants.js";
import { EMERGENCY, INCIDENT, RULE_ID, SCHEMA, SHA256, STEPS_OF_PLAN, TIERS, VERDICTS, VERSION, WITHHELD } from "./constants.js";
import { canonical, equal, isAddress, isObject, require, sameKeys, toHex } from "./protocol.js";
import { lossesOf } from "./losses.js";

/** Throws `Refused` for what is no document. Its effect root is for `verify` to compare. */
export function checkDocument(content, limits = LIMITS) {
  require(isObject(content), "the document is not an object");
  require(content.schema === SCHEMA, `the schema is not ${SCHEMA}`);
  require(sameKeys(content, PARTS), "the document lacks a part, or holds one that is not known");
  const { kind, operations } = content;
  require(isText(kind) && Object.hasOwn(STEPS_OF_PLAN, kind), "the kind of plan is not known");
  require(Array.isArray(operations) && operations.length > 0, "the plan is empty");
  require(operations.length <= limits.operations, "the plan has too many operations");
  operations.forEach((operation) => checkOperation(operation, STEPS_OF_PLAN[kind]));
  require(increases(operations, placeOf), "the operations are not sorted");
  checkFrame(content);
  checkSummary(content);
}

// --- forms ------------------------------------------------------------------------------------

function isText(value) {
  return typeof value === "string";
}

/** Whether it is a text of this form, from its first character to its last. */
function matches(pattern, value) {
  return isText(value) && new RegExp(`^(?:${pattern})$`, "u").test(value);
}

function isLine(value) {
  return matches(LINE, value);
}

function isDigest(value) {
  return matches("0x[0-9a-fA-F]{64}", value);
}

function isTier(value) {
  return Number.isInteger(value) && value >= TIERS.low && value <= TIERS.high;
}

function isScalar(value) {
  return isText(value) || typeof value === "boolean" || typeof value === "number";
}

/** One that keeps its value on its way through every JSON. */
function isNumber(value) {
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function areTexts(value) {
  return Array.isArray(value) && value.every(isText);
}

/** Of texts, in the one form that a set has: sorted, each of them once. */
function isSet(value) {
  return areTexts(value) && increases(value, (text) => [text]);
}

/** By code points, as Python sorts; JavaScript's own order is by UTF-16 units. */
function isLess(left, right) {
  const [a, b] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at] !== b[at]) return a[at].codePointAt(0) < b[at].codePointAt(0);
  }
  return a.length < b.length;
}

/** Lists of texts, by the first place where they differ. */
function precedes(left, right) {
  const at = left.findIndex((text, index) => text !== right[index]);
  if (at < 0 || at >= right.length) return at < 0 && left.length < right.length;
  return isLess(left[at], right[at]);
}

/** Whether every item comes before the next; so none stands there twice. */
function increases(items, keyOf) {
  return items.every((item, at) => at === 0 || precedes(keyOf(items[at - 1]), keyOf(item)));
}

function same(left, right) {
  return equal(canonical(left), canonical(right));
}

// --- operations -------------------------------------------------------------------------------

/** URN, engine step and physical id: the sort key. */
function placeOf({ urn, op, id }) {
  return [urn, op, id ?? ""];
}

function checkOperation(operation, steps) {
  require(sameKeys(operation, OPERATION_PARTS), "an operation lacks a part, or holds one that is not known");
  const { urn, type, op, rule, kind, tier, id, dependencies, propertyDependencies, replaceKeys } = operation;
  require(areTexts([urn, type, op, rule]), "an operation's name is not text");
  require(id === null || isText(id), "a physical id is not text");
  require(steps.includes(op), "an operation's step is not one of this kind of plan");
  require(kind === KIND_OF[op], "an operation's kind does not follow from its step");
  require(isTier(tier), "an operation's tier is not low, medium or high");
  require(matches(RULE_ID, rule), "an operation's rule is not the id of a rule");
  const { before, after, provider, options } = operation;
  const sides = there({ before, after });
  require(sides.length > 0 && sides.every(isChange),
    "what an operation changes is not inputs, with outputs, an id or a former URN");
  require([provider, options, dependencies, propertyDependencies].every((pair) => sameKeys(pair, ["before", "after"])),
    "a provider, the options or the dependencies do not have two sides");
  for (const [pair, isForm] of [[options, isObject], [dependencies, Array.isArray], [propertyDependencies, isObject]]) {
    require(["before", "after"].every((side) => operation[side] === null ? pair[side] === null : isForm(pair[side])),
      "the options or the dependencies are not those of the sides that there are");
  }
  const sources = there(propertyDependencies);
  require([replaceKeys, ...there(dependencies), ...sources.flatMap(Object.values)].every(isSet),
    "the dependencies or replace keys are not sets of texts");
  require(markersAreWhole([before, after, ...Object.values(provider), ...Object.values(options)]),
    "an operation holds a marker that is not known or not whole");
}

function isChange(value) {
  return isObject(value) && Object.keys(value).every((part) => CHANGE_PARTS.includes(part))
    && isObject(value.inputs) && (!Object.hasOwn(value, "outputs") || isObject(value.outputs))
    && (!Object.hasOwn(value, "urn") || isText(value.urn));
}

/** A resource that is not there yet, or no more, has no side. */
function there(sides) {
  return Object.values(sides).filter((side) => side !== null);
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
  return pairs && entries.some(([key]) => key === MARKER) && increases(entries, ([key]) => [key]);
}

// --- what surrounds them ----------------------------------------------------------------------

function checkFrame(content) {
  const { subject, window, config, toolchain, rollback } = content;
  require(sameKeys(subject, ["backend", "organisation", "project", "stack"])
    && Object.values(subject).every((text) => isText(text) && text !== ""), "the subject is not four texts");
  require(sameKeys(window, ["notBefore", "expiresAt"])
    && Object.values(window).every((time) => Number.isSafeInteger(time) && time >= 0)
    && window.notBefore < window.expiresAt, "the window is not two times in order");
  require([toolchain, config, rollback].every(isObject), "the toolchain, the configuration or the rollback is none");
  checkProgram(content.program);
  if (content.source !== null) checkSource(content.source, content.program.files);
  require(Object.values(config).every(markersAreWhole),
    "the configuration holds a marker that is not known or not whole");
  const digests = [content.rules, content.salt, content.clears, content.secretKeyId];
  require(digests.every(isDigest) && (content.base === null || isDigest(content.base)),
    "a digest in the document is not 32 bytes of hexadecimal");
  require(isAddress(content.proposer), "the proposer is not an address");
}

/** Its digest is the one of its files: [path, mode, SHA-256], by path. */
function checkProgram(program) {
  require(sameKeys(program, ["digest", "commit", "files"]), "the program is not a digest, a commit and files");
  const { files, commit } = program;
  require(Array.isArray(files)
    && files.every((file) => areTexts(file) && file.length === 3 && isSide(file.slice(1)))
    && increases(files, ([path]) => [path]),
    "the program's files are not a list of path, mode and SHA-256, in order");
  require(program.digest === toHex(keccak(canonical(files))), "the program's digest does not follow from its files");
  require(commit === null || matches(COMMIT, commit), "the program's commit is not the digest of one");
}

/** A file before or after: mode and SHA-256. */
function isSide(side) {
  return areTexts(side) && side.length === 2 && FILE_MODES.includes(side[0]) && matches(SHA256, side[1]);
}

/** Each changed file once, in order, and after the change what the program's listing says. */
function checkSource(source, files) {
  require(sameKeys(source, ["since", "content", "changes"]), "the source change has not its three parts");
  const { since, content, changes } = source;
  require(isDigest(content) && (since === null || isDigest(since)),
    "a digest of the source change is not 32 bytes");
  require(Array.isArray(changes), "the source change is not a list of files");
  const listed = new Map(files.map(([path, ...side]) => [path, side]));
  changes.forEach((change) => checkChange(change, listed));
  require(increases(changes, ({ path }) => [path]), "the source change is not sorted");
  const all = changes.length === files.length && changes.every(({ change }) => change === "added");
  require(since !== null || all, "the source change must show every file, as there was none before");
}

function checkChange(file, listed) {
  require(sameKeys(file, ["path", "change", "before", "after", "diff", "withheld"]),
    "the source change has a foreign part");
  const { path, change, before, after, diff, withheld } = file;
  require(isText(path), "the source change names a file that is not text");
  require([before, after].every((side) => side === null || isSide(side)), "the source change has a foreign side");
  require(!same(before, after), "the source change names a file that does not change");
  const kind = before === null ? "added" : after === null ? "removed" : "changed";
  require(change === kind, "the source change calls a change what it is not");
  require(same(after, listed.get(path) ?? null), "the source change disagrees with the program's files");
  require((diff === null) !== (withheld === null), "the source change must show a file's change or say why not");
  require(diff === null || isText(diff), "the source change shows something other than text");
  require(withheld === null || WITHHELD.includes(withheld),
    "the source change withholds a file for a reason not known");
}

// --- what people read first -------------------------------------------------------------------

/** It follows from the operations: nobody writes it himself. */
function checkSummary(content) {
  const { operations, tier, checks, base, unknowns, sensitive, rollback } = content;
  checkTier(tier, operations);
  checkChecks(checks, new Set(operations.map(({ urn }) => urn)));
  require(tier.tier >= TIERS.high || checks.every(({ verdict }) => verdict !== "overridden"),
    "a check is overridden in a plan whose tier is not high");
  require(base !== null || tier.tier < TIERS.high, "a plan names its base where its tier is high");
  checkUnknowns(unknowns, operations.flatMap(unknownsOf));
  require(Array.isArray(sensitive) && sensitive.every(isLine) && increases(sensitive, (glob) => [glob]),
    "the names that no unknown may hold are not a sorted list of lines");
  require(same(rollback, { irreversible: lossesOf(operations) }), "what cannot be undone does not follow from the operations");
}

/** A plan may need more than any of its operations, never less. */
function checkTier(plan, operations) {
  require(sameKeys(plan, ["tier", "rule", "reasons"]), "the tier is not a number, a rule and the reasons");
  const { tier, rule, reasons } = plan;
  const urgent = tier === TIERS.emergency;
  require((isTier(tier) || urgent) && matches(RULE_ID, rule),
    "the plan's tier is not low, medium, high by a rule, or emergency");
  require(urgent === rule.startsWith(EMERGENCY), "an emergency, and nothing else, names an incident");
  const highest = operations.reduce((found, operation) => operation.tier > found.tier ? operation : found);
  require(tier > highest.tier || (tier === highest.tier && rule === highest.rule),
    "the tier and its rule are not the highest of the operations");
  const fired = new Set([rule, ...operations.map((operation) => operation.rule)]);
  require(isObject(reasons), "the reasons are not texts by rule");
  if (urgent) {
    require(matches(INCIDENT, rule.slice(EMERGENCY.length)), "an emergency does not name its incident");
    require(Object.hasOwn(reasons, rule), "an emergency does not say why it could not wait");
  }
  // Beside them, in an emergency, that of the rule by which the whole plan would have been voted on.
  const strange = Object.keys(reasons).filter((key) => !fired.has(key)).length;
  require(strange <= (urgent ? 1 : 0), "a reason is given for a rule that did not fire");
  require(Object.values(reasons).every(isLine), "a reason is not one line of text");
}

function checkChecks(checks, urns) {
  require(Array.isArray(checks), "the checks are not a list");
  checks.forEach((check) => checkVerdict(check, urns));
  require(increases(checks, ({ id }) => [id]), "the checks are not sorted, or one of them stands there twice");
}

function checkVerdict(check, urns) {
  require(sameKeys(check, CHECK_PARTS), "a check does not have the parts of a check");
  const { id, version, digest: settings, mandatory, verdict, findings, measures, override } = check;
  require(matches(CHECK_ID, id) && matches(VERSION, version), "a check's id or version is none");
  require(isDigest(settings), "a check's digest is not 32 bytes of hexadecimal");
  require(typeof mandatory === "boolean" && VERDICTS.includes(verdict), "a check's verdict is not known");
  require(verdict === "overridden" ? isLine(override) : override === null,
    "a check is overridden without a reason, or has one without being overridden");
  checkFindings(findings, urns);
  require(findings.length > 0 || !["fail", "overridden"].includes(verdict), "a check failed without saying why");
  require(isObject(measures) && Object.keys(measures).length <= MOST_MEASURES
    && Object.entries(measures).every(([name, value]) => matches(MEASURE, name) && isNumber(value)),
    "a check's measures are not numbers with short names");
}

function checkFindings(findings, urns) {
  require(Array.isArray(findings) && findings.length <= MOST_FINDINGS,
    "a check's findings are not a list, or too many");
  for (const finding of findings) {
    require(sameKeys(finding, ["urn", "message"]), "a finding is not a URN and a message");
    require(isLine(finding.message) && (finding.urn === "" || urns.has(finding.urn)),
      "a finding's message is not one line, or it is about nothing in the plan");
  }
  require(increases(findings, ({ urn, message }) => [urn, message]), "a check's findings are not sorted");
}

/** All of it follows from the operations but the constraints, which follow from the rules. */
function checkUnknowns(written, found) {
  const wrong = "the list of unknown values does not follow from the operations";
  require(Array.isArray(written) && written.length === found.length, wrong);
  written.forEach((entry, at) => {
    require(isObject(entry) && Object.hasOwn(entry, "constraint"), wrong);
    checkConstraint(entry.constraint);
    require(same(entry, { ...found[at], constraint: entry.constraint }), wrong);
  });
}

function checkConstraint(constraint) {
  if (constraint === null) return;
  require(isObject(constraint) && Object.keys(constraint).length === 1, "a constraint is not exactly one condition");
  const [[name, value]] = Object.entries(constraint);
  require((name === "equals" && isScalar(value)) || (name === "pattern" && isLine(value))
    || (name === "oneOf" && Array.isArray(value) && value.length > 0 && value.every(isScalar)),
    "a constraint is not `equals`, `oneOf` or `pattern` with its value");
}

/** Where an operation waits for a value, and for whose. */
function unknownsOf({ urn, op, after, propertyDependencies }) {
  const waitsFor = propertyDependencies.after ?? {};
  const sources = ([, name]) => Object.hasOwn(waitsFor, name) ? waitsFor[name] : [];
  return pathsOfUnknowns(after ?? {}, [])
    .sort((left, right) => precedes(left, right) ? -1 : 1)
    .map((path) => ({ urn, op, path, from: path.length > 1 ? sources(path) : [] }));
}

function pathsOfUnknowns(value, path) {
  if (typeof value !== "object" || value === null) return [];
  if (value[MARKER] === "unknown" && !Array.isArray(value)) return [path];
  return Object.keys(value).flatMap((key) => pathsOfUnknowns(value[key], [...path, key]));
}

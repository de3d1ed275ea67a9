// Answers questions of `tests/console/test_agreement.py`: one JSON line in, one JSON line out.

import { createInterface } from "node:readline";
import * as document from "../../provider/pulumi_mandate/console/static/document.js";
import { keccak } from "../../provider/pulumi_mandate/console/static/keccak.js";
import * as protocol from "../../provider/pulumi_mandate/console/static/protocol.js";
import * as verifier from "../../provider/pulumi_mandate/console/static/verify.js";

const ours = { ...protocol, ...document, ...verifier };

const ANSWERS = {
  /** The bytes again where they are canonical. */
  parse: ({ bytes }) => ours.toHex(ours.canonical(ours.parse(ours.fromHex(bytes)))),
  /** The canonical bytes of any JSON text. */
  write: ({ bytes }) => ours.toHex(ours.canonical(JSON.parse(new TextDecoder().decode(ours.fromHex(bytes))))),
  keccak: ({ bytes }) => ours.toHex(keccak(ours.fromHex(bytes))),
  whole: ({ bytes }) => ours.markersAreWhole(ours.parse(ours.fromHex(bytes))),
  /** Why it is no plan. */
  why: ({ bytes, domain }) => ours.verify(ours.fromHex(bytes), domain, undefined).steps.find((step) => !step.ok).detail,
  /** The plan hash, or nothing: a refusal is one, and a defect is neither. */
  verify: ({ bytes, domain }) => {
    const { planHash, steps } = ours.verify(ours.fromHex(bytes), domain, undefined);
    const failed = steps.find((step) => !step.ok);
    if (failed.detail.startsWith("a defect")) throw new Error(failed.detail);
    return planHash;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let answer;
  try {
    answer = { answer: ANSWERS[question.ask](question) };
  } catch (error) {
    if (!(error instanceof ours.Refused)) throw error;
    answer = { refused: error.message };
  }
  console.log(JSON.stringify(answer));
}

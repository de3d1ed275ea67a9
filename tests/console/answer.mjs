// Answers questions of `tests/console/test_agreement.py`: one JSON line in, one JSON line out.

import { createInterface } from "node:readline";
import { keccak } from "../../provider/pulumi_mandate/console/static/keccak.js";
import * as ours from "../../provider/pulumi_mandate/console/static/verify.js";

const ANSWERS = {
  /** The bytes again where they are canonical. */
  parse: ({ bytes }) => ours.toHex(ours.canonical(ours.parse(ours.fromHex(bytes)))),
  /** The canonical bytes of any JSON text. */
  write: ({ bytes }) => ours.toHex(ours.canonical(JSON.parse(new TextDecoder().decode(ours.fromHex(bytes))))),
  keccak: ({ bytes }) => ours.toHex(keccak(ours.fromHex(bytes))),
  whole: ({ bytes }) => ours.markersAreWhole(ours.parse(ours.fromHex(bytes))),
  verify: ({ bytes, domain }) => ours.verify(ours.fromHex(bytes), domain, undefined).planHash,
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

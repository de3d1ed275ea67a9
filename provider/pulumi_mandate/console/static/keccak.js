// Keccak-256, as Ethereum uses it. Source: https://keccak.team/keccak_specs_summary.html
//
// Written out rather than vendored: it hashes public bytes only, so nothing can leak through its
// timing, and that it is right can be seen from vectors and from random bytes against Python's.

const RATE = 136;
const [ROUND, ROTATION, LANE] = keccakTables();

/** Round constants as pairs of 32 bits, and where rho and pi take each lane. */
function keccakTables() {
  const round = [], rotation = [], lane = [];
  let [x, y, state] = [1, 0, 1];
  for (let step = 0; step < 24; step++) {
    rotation.push((((step + 1) * (step + 2)) / 2) % 64);
    [x, y] = [y, (2 * x + 3 * y) % 5];
    lane.push(x + 5 * y);
    let [low, high] = [0, 0];
    for (let power = 0; power < 7; power++) {
      const bit = (1 << power) - 1;
      if (state & 1) bit < 32 ? (low |= 1 << bit) : (high |= 1 << (bit - 32));
      state = (state << 1) ^ (state >> 7 ? 0x171 : 0);
    }
    round.push([low, high]);
  }
  return [round, rotation, lane];
}

/** Keccak-256 of bytes (not FIPS 202 SHA-3: the padding differs). */
export function keccak(data) {
  const state = new Int32Array(50); // 25 lanes, low half first
  const block = new Uint8Array(RATE);
  const words = new DataView(block.buffer);
  for (let at = 0; at <= data.length; at += RATE) {
    const part = data.subarray(at, at + RATE);
    block.fill(0).set(part);
    if (part.length < RATE) {
      block[part.length] ^= 0x01;
      block[RATE - 1] ^= 0x80;
    }
    for (let word = 0; word < RATE / 4; word++) state[word] ^= words.getInt32(4 * word, true);
    permute(state);
  }
  const out = new DataView(new ArrayBuffer(32));
  for (let word = 0; word < 8; word++) out.setInt32(4 * word, state[word], true);
  return new Uint8Array(out.buffer);
}

function permute(s) {
  const parity = new Int32Array(10), row = new Int32Array(10);
  for (const [roundLow, roundHigh] of ROUND) {
    for (let i = 0; i < 10; i++) parity[i] = s[i] ^ s[i + 10] ^ s[i + 20] ^ s[i + 30] ^ s[i + 40];
    for (let x = 0; x < 10; x += 2) { // theta
      const [left, right] = [(x + 8) % 10, (x + 2) % 10];
      const [rightLow, rightHigh] = [parity[right], parity[right + 1]];
      const low = parity[left] ^ ((rightLow << 1) | (rightHigh >>> 31));
      const high = parity[left + 1] ^ ((rightHigh << 1) | (rightLow >>> 31));
      for (let y = x; y < 50; y += 10) {
        s[y] ^= low;
        s[y + 1] ^= high;
      }
    }
    let low = s[2], high = s[3]; // rho and pi
    for (let step = 0; step < 24; step++) {
      const to = 2 * LANE[step], few = ROTATION[step] % 32; // `few` is never 0
      const turned = (low << few) | (high >>> (32 - few));
      const turnedToo = (high << few) | (low >>> (32 - few));
      low = s[to];
      high = s[to + 1];
      s[to] = ROTATION[step] < 32 ? turned : turnedToo;
      s[to + 1] = ROTATION[step] < 32 ? turnedToo : turned;
    }
    for (let y = 0; y < 50; y += 10) { // chi
      for (let i = 0; i < 10; i++) row[i] = s[y + i];
      for (let i = 0; i < 10; i++) s[y + i] ^= ~row[(i + 2) % 10] & row[(i + 4) % 10];
    }
    s[0] ^= roundLow; // iota
    s[1] ^= roundHigh;
  }
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { interleave, toPcm } from "../../../fastapi_service/static/audio/pcm.js";

test("float becomes Int16 as on the other side of the wire; beyond full scale it stays at full scale", () => {
  const pcm = toPcm(Float32Array.of(-2, -1, -0.5, 0, 0.5, 32_767 / 32_768, 1, 2));
  assert.deepEqual([...pcm], [-32_768, -32_768, -16_384, 0, 16_384, 32_767, 32_767, 32_767]);
});

test("channels come in turn, and one alone as it is", () => {
  const [left, right] = [Float32Array.of(1, 2, 3), Float32Array.of(-1, -2, -3)];
  assert.deepEqual([...interleave([left, right])], [1, -1, 2, -2, 3, -3]);
  assert.equal(interleave([left]), left);
});

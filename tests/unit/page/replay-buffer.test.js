import assert from "node:assert/strict";
import { test } from "node:test";

import { ReplayBuffer } from "../../../fastapi_service/static/session/replay-buffer.js";

/** @param {ReplayBuffer} buffer @param {number} position */
function at(buffer, position) {
  const frame = buffer.next(position);
  return frame && [frame.start, frame.pcm.length];
}

/** @param {ReplayBuffer} buffer @param {number} count of frames with 10 samples */
function push(buffer, count) {
  while (count--) buffer.push(new Int16Array(10));
}

test("frames go when they are acknowledged or too many; what is left is found from any position on", () => {
  const buffer = new ReplayBuffer(40);
  push(buffer, 3);
  assert.deepEqual([0, 14, 30].map((position) => at(buffer, position)), [[0, 10], [14, 6], undefined]);
  buffer.acknowledge(15);
  assert.deepEqual(at(buffer, 0), [10, 10]);
  assert.equal(buffer.dropped, 0);
  push(buffer, 5);
  assert.deepEqual(at(buffer, 0), [40, 10]);
  assert.deepEqual([buffer.kept, buffer.dropped], [40, 40]);
});

test("what is not safe begins a new session, where a session continues, or stays where it is", () => {
  const buffer = new ReplayBuffer(40);
  push(buffer, 3);
  buffer.acknowledge(10);
  buffer.rebase();
  assert.deepEqual([at(buffer, 0), buffer.end], [[0, 10], 20]);
  buffer.continueAt(5000);
  assert.deepEqual([at(buffer, 0), buffer.end], [[5000, 10], 5020]);
  push(buffer, 1);
  assert.deepEqual(at(buffer, 5020), [5020, 10]);
});

test("half of a frame that is acknowledged is not sent again to another session", () => {
  const buffer = new ReplayBuffer(40);
  push(buffer, 2);
  buffer.acknowledge(4);
  buffer.rebase();
  assert.deepEqual([at(buffer, 0), buffer.end], [[0, 6], 16]);
});

test("silence moves the clock and costs no room", () => {
  const buffer = new ReplayBuffer(40);
  buffer.skip(1000);
  push(buffer, 2);
  buffer.skip(1_000_000);
  push(buffer, 2);
  assert.deepEqual(at(buffer, 0), [1000, 10]);
  assert.deepEqual(at(buffer, 1020), [1_001_020, 10]);
  assert.deepEqual([buffer.end, buffer.kept, buffer.dropped], [1_001_040, 40, 0]);
  buffer.acknowledge(1000);
  buffer.rebase();
  assert.deepEqual(at(buffer, 0), [0, 10]);
  assert.equal(buffer.end, 1_000_040);
});

test("positions and room of two channels are those of one of them", () => {
  const buffer = new ReplayBuffer(20);
  buffer.channels = 2;
  push(buffer, 3); // of 5 samples each
  assert.deepEqual([buffer.end, buffer.kept, at(buffer, 7)], [15, 15, [7, 6]]);
  buffer.acknowledge(5);
  push(buffer, 3);
  assert.deepEqual([buffer.kept, buffer.dropped, at(buffer, 0)], [20, 10, [10, 10]]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backlog } from "../../../fastapi_service/static/session/backlog.js";

/** @param {Backlog} backlog @param {number} position */
function at(backlog, position) {
  const frame = backlog.next(position);
  return frame && [frame.start, frame.pcm.length];
}

/** @param {Backlog} backlog @param {number} count of frames with 10 samples */
function push(backlog, count) {
  while (count--) backlog.push(new Int16Array(10));
}

test("frames go when they are acknowledged or too many; what is left is found from any position on", () => {
  const backlog = new Backlog(40);
  push(backlog, 3);
  assert.deepEqual([0, 14, 30].map((position) => at(backlog, position)), [[0, 10], [14, 6], undefined]);
  backlog.acknowledge(15);
  assert.deepEqual(at(backlog, 0), [10, 10]);
  assert.equal(backlog.givenUp, 0);
  push(backlog, 5);
  assert.deepEqual(at(backlog, 0), [40, 10]);
  assert.deepEqual([backlog.kept, backlog.givenUp], [40, 40]);
});

test("what is not safe begins a new session, where a session continues, or stays where it is", () => {
  const backlog = new Backlog(40);
  push(backlog, 3);
  backlog.acknowledge(10);
  backlog.rebase();
  assert.deepEqual([at(backlog, 0), backlog.end], [[0, 10], 20]);
  backlog.continueAt(5000);
  assert.deepEqual([at(backlog, 0), backlog.end], [[5000, 10], 5020]);
  push(backlog, 1);
  assert.deepEqual(at(backlog, 5020), [5020, 10]);
});

test("half of a frame that is acknowledged is not sent again to another session", () => {
  const backlog = new Backlog(40);
  push(backlog, 2);
  backlog.acknowledge(4);
  backlog.rebase();
  assert.deepEqual([at(backlog, 0), backlog.end], [[0, 6], 16]);
});

test("silence moves the clock and costs no room", () => {
  const backlog = new Backlog(40);
  backlog.skip(1000);
  push(backlog, 2);
  backlog.skip(1_000_000);
  push(backlog, 2);
  assert.deepEqual(at(backlog, 0), [1000, 10]);
  assert.deepEqual(at(backlog, 1020), [1_001_020, 10]);
  assert.deepEqual([backlog.end, backlog.kept, backlog.givenUp], [1_001_040, 40, 0]);
  backlog.acknowledge(1000);
  backlog.rebase();
  assert.deepEqual(at(backlog, 0), [0, 10]);
  assert.equal(backlog.end, 1_000_040);
});

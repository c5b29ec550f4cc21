import assert from "node:assert/strict";
import { test } from "node:test";

import { minutes } from "../../../fastapi_service/static/i18n/format.js";

test("hours are shown as minutes: a conversation's clock never wraps", () => {
  assert.deepEqual([0, 999, 61_000, 3_600_000, 6_000_000].map(minutes), ["00:00", "00:00", "01:01", "60:00", "100:00"]);
});

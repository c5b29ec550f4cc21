// @ts-check
/** Keeps the screen on, because phones suspend the page with it. A browser that cannot, or does not want to, is no error. */

/** What wants it on. @type {Set<string>} */
const wishes = new Set();
/** @type {WakeLockSentinel | null} */
let lock = null;

/** @param {boolean} on @param {string} [what] a session, or a file that is read */
export function keepAwake(on, what = "session") {
  const before = wishes.size;
  if (on) wishes.add(what);
  else wishes.delete(what);
  if (!before === !wishes.size) return;
  if (on) {
    document.addEventListener("visibilitychange", acquire); // whoever leaves the page releases the lock
    acquire();
  } else {
    document.removeEventListener("visibilitychange", acquire);
    release();
  }
}

async function acquire() {
  if (document.visibilityState === "hidden") return;
  try {
    const taken = await navigator.wakeLock.request("screen");
    release();
    lock = taken;
    if (!wishes.size) release();
  } catch {
    // Not here, or not now, as with a low battery: the recording goes on without it.
  }
}

function release() {
  lock?.release().catch(() => {});
  lock = null;
}

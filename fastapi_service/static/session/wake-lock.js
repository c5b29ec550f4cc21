// @ts-check
/** Keeps the screen on, because phones suspend the page with it. A browser that cannot, or does not want to, is no error. */

let wanted = false;
/** @type {WakeLockSentinel | null} */
let lock = null;

/** @param {boolean} on */
export function keepAwake(on) {
  if (on === wanted) return;
  wanted = on;
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
    if (!wanted) release();
  } catch {
    // Not here, or not now, as with a low battery: the recording goes on without it.
  }
}

function release() {
  lock?.release().catch(() => {});
  lock = null;
}

// @ts-check
/** Can the service do its work, and if not, why not? */

const POLL_MS = 3_000;
let watching = false;

/**
 * Tells the reasons until there are none. Calls while it is at it change nothing.
 * @param {URL} url of /readyz
 * @param {(reasons: string[] | null) => void} tell `null`: the service cannot be reached
 */
export async function watchReadiness(url, tell) {
  if (watching) return;
  watching = true;
  for (;;) {
    const reasons = await whyNot(url);
    tell(reasons);
    if (reasons?.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  watching = false;
}

/** @param {URL} url */
async function whyNot(url) {
  try {
    const { checks } = await (await fetch(url, { cache: "no-store" })).json();
    return Object.entries(checks).flatMap(([service, { ready, reason }]) => (ready ? [] : [`${service}: ${reason}`]));
  } catch {
    return null; // no answer, or a proxy's error page
  }
}

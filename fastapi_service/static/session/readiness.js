// @ts-check
/** Polls `/readyz` until the service is ready. */

const POLL_MS = 3_000;
let polling = false;

/**
 * Reports the reasons for not being ready until there are none. A second call meanwhile has no effect.
 * @param {URL} url of /readyz
 * @param {(reasons: string[] | null) => void} onReasons null: the service cannot be reached
 */
export async function watchReadiness(url, onReasons) {
  if (polling) return;
  polling = true;
  for (;;) {
    const reasons = await fetchReasons(url);
    onReasons(reasons);
    if (reasons?.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  polling = false;
}

/** Returns the reasons; null: the service cannot be reached, or lets no page of this origin read them. @param {URL} url of /readyz */
export async function fetchReasons(url) {
  try {
    const { checks } = await (await fetch(url, { cache: "no-store" })).json();
    return Object.entries(checks).flatMap(([service, { ready, reason }]) => (ready ? [] : [`${service}: ${reason}`]));
  } catch {
    return null; // no answer, or a proxy's error page
  }
}

// @ts-check
/** Why the service refuses, or cannot be used: browsers say of a WebSocket that did not open only that it did not. */

import { fetchReasons } from "../../../fastapi_service/static/session/readiness.js";

/**
 * A fault of the service or of the way to it. `code` is one of docs/protocol.md, "Errors", or `origin_refused`, `not_ready`,
 * `unreachable` or `ended`, which are found here.
 */
export class ServiceError extends Error {
  name = "ServiceError";

  /** @param {{ code: string, message: string, remedy: string }} error `message`: the cause; `remedy`: what to do */
  constructor({ code, message, remedy }) {
    super(message);
    /** Stable, for programs. */
    this.code = code;
    this.remedy = remedy;
  }
}

/**
 * Finds out why no WebSocket opens.
 * @param {URL} service its address, with a slash at the end
 * @returns {Promise<ServiceError | null>} null: it is ready, so that the next attempt may open
 */
export async function reasonOf(service) {
  const reasons = await fetchReasons(new URL(`readyz?origin=${location.origin}`, service));
  if (reasons?.length) return new ServiceError({ code: "not_ready", message: reasons.join("; "), remedy: "Wait: it is tried again." });
  if (reasons) return null;
  const runs = await fetch(new URL("healthz", service), { cache: "no-store" }).then(({ ok }) => ok, () => false);
  return runs ? originRefused(service) : unreachable(service);
}

/** The service answers what every page may read, and nothing else. @param {URL} service */
function originRefused(service) {
  return new ServiceError({
    code: "origin_refused",
    message: `The service at ${service.origin} lets no pages of ${location.origin} in.`,
    remedy: `Set GATEWAY_ALLOWED_ORIGINS=${location.origin} where the service runs.`,
  });
}

/** @param {URL} service */
function unreachable(service) {
  return new ServiceError({
    code: "unreachable",
    message: `No service answers at ${service.href}.`,
    remedy: "Look at the address and the network; it is tried again. A page with HTTPS needs a service with HTTPS.",
  });
}

/** The talker was left before its session stood. */
export function ended() {
  return new ServiceError({ code: "ended", message: "The session was ended before it began.", remedy: "Make another talker." });
}

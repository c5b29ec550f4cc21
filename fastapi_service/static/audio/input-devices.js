// @ts-check
/** Input devices: their list, their media streams, the errors in opening one, and the permission for it. See also shared-sound. */

/** No microphone; `code` is a key of the texts in `i18n`, `microphone`. */
export class MicrophoneError extends Error {
  /**
   * @param {"insecure" | "unsupported" | "denied" | "missing" | "busy" | "broken" | "unshared"} code
   * @param {unknown} [cause]
   */
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

/** @type {Record<string, "denied" | "missing" | "busy">} */
const CODES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** The reason why this page can never have a microphone, found without requesting one. */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  return navigator.mediaDevices && window.AudioWorkletNode ? null : "unsupported";
}

/**
 * `stereo`: left and right of one device; `call`: a microphone, and the sound that is shared, such as a tab's.
 * @typedef {"one" | "stereo" | "call"} Talkers
 *
 * @typedef {object} InputOptions
 * @property {Talkers} [talkers] at this page; `one` if missing
 * @property {string | null} device id; null: the browser's choice
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} autoGainControl
 *
 * @param {InputOptions} options
 * @returns {MediaTrackConstraints}
 */
export function constraints({ talkers, device, echoCancellation, noiseSuppression, autoGainControl }) {
  const echo = talkers === "call" || echoCancellation; // else the call is heard in the microphone, too
  const processing =
    talkers === "stereo"
      ? { channelCount: 2, echoCancellation: false, noiseSuppression: false, autoGainControl: false } // browsers process one channel only
      : { channelCount: 1, echoCancellation: echo, noiseSuppression, autoGainControl };
  return device ? { ...processing, deviceId: { exact: device } } : processing;
}

/**
 * Opens a device; where it is gone, the browser's choice.
 * @param {InputOptions} options
 * @throws {MicrophoneError}
 */
export async function openStream(options) {
  const devices = navigator.mediaDevices;
  try {
    return await devices.getUserMedia({ audio: constraints(options) }).catch((error) => {
      if (!options.device || CODES[error.name] !== "missing") throw error;
      return devices.getUserMedia({ audio: constraints({ ...options, device: null }) });
    });
  } catch (error) {
    const { name } = /** @type {DOMException} */ (error);
    throw new MicrophoneError(CODES[name] ?? "broken", error);
  }
}

/** @param {MediaStream | null} stream */
export function stopStream(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
  }
}

/** Returns the state of the browser's permission; null where the browser does not report it. */
export async function queryPermission() {
  try {
    return await navigator.permissions.query({ name: /** @type {PermissionName} */ ("microphone") });
  } catch {
    return null; // the track ends all the same
  }
}

/**
 * Reports the input devices, now and after each change. They have names only once a microphone was allowed: call the
 * returned function then.
 * @param {(devices: MediaDeviceInfo[]) => void} onDevices
 */
export function watchInputDevices(onDevices) {
  const report = async () => {
    const devices = await navigator.mediaDevices.enumerateDevices();
    onDevices(devices.filter(({ kind }) => kind === "audioinput"));
  };
  navigator.mediaDevices.addEventListener("devicechange", report);
  report();
  return report;
}

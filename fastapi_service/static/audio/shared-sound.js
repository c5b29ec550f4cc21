// @ts-check
/** Sound of a tab or of the whole device, which the person shares with this page, such as that of a video call. */

import { MicrophoneError } from "./input-devices.js";

/** As it is, and the person goes on hearing it. */
const AUDIO = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, suppressLocalAudioPlayback: false };

/** True if the browser shares sound, and not only pictures as Firefox and Safari do. */
export function canShareSound() {
  const devices = navigator.mediaDevices;
  return Boolean(devices?.getDisplayMedia) && "suppressLocalAudioPlayback" in devices.getSupportedConstraints();
}

/**
 * Lets the person choose; works within a gesture only. The pictures, which cannot be left out, end at once.
 * @returns {Promise<MediaStream>}
 * @throws {MicrophoneError} nothing was shared, or without its sound
 */
export async function openSharedSound() {
  const wanted = { audio: AUDIO, video: true, systemAudio: "include" };
  const stream = await navigator.mediaDevices.getDisplayMedia(wanted).catch((cause) => {
    throw new MicrophoneError("unshared", cause);
  });
  for (const track of stream.getVideoTracks()) track.stop();
  if (!stream.getAudioTracks().length) throw new MicrophoneError("unshared");
  return stream;
}

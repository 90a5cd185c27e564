// What the two SDKs have in common on this page.

// load runs the script of an SDK, and returns what it exports. An SDK adds to the object Twilio only what is not there yet,
// so each has to find none.
export async function load(src) {
  const script = document.createElement('script');
  script.src = src;
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} cannot be loaded`));
    document.head.append(script);
  });
  const { Twilio } = globalThis;
  delete globalThis.Twilio;
  return Twilio;
}

// once returns a function that runs start when it is first called, and returns the same promise ever after.
export function once(start) {
  let started;
  return (...args) => started ??= start(...args);
}

// localOptions are what the local gateway needs of either SDK. With Twilio their own defaults are right.
export const localOptions = {
  RTCPeerConnection: class extends RTCPeerConnection {
    // The SDK sends its candidates to nobody: Twilio's media servers need none, another browser does.
    async setLocalDescription(description) {
      await super.setLocalDescription(description);
      while (this.iceGatheringState !== 'complete') {
        await new Promise((resolve) => this.addEventListener('icegatheringstatechange', resolve, { once: true }));
      }
    }
  },
  publishEvents: false,
  sounds: localSounds(),
};

function localSounds() {
  const sounds = { incoming: '/sounds/ring.wav', outgoing: '/sounds/blip.wav', disconnect: '/sounds/blip.wav' };
  for (const key of '0123456789hs') {
    sounds[`dtmf${key}`] = '/sounds/blip.wav';
  }
  return sounds;
}

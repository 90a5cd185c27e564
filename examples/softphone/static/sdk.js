// What the two SDKs have in common on this page.

// load runs the script of an SDK, and returns what it exports. An SDK adds to the object Twilio only what is not there yet,
// so each has to find none.
export async function load(src, local) {
  if (local) {
    await loadStandIn();
  }
  await run(src);
  const { Twilio } = globalThis;
  delete globalThis.Twilio;
  return Twilio;
}

// once returns a function that runs start until it has succeeded, and then returns the same promise ever after.
export function once(start) {
  let started;
  return (...args) => started ??= start(...args).catch((error) => {
    started = null;
    throw error;
  });
}

// loadStandIn makes the SDKs, which are loaded afterwards, talk to the stand-in.
const loadStandIn = once(() => run('/standin.js'));

async function run(src) {
  const script = document.createElement('script');
  script.src = src;
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} cannot be loaded`));
    document.head.append(script);
  });
}

// localOptions keep either SDK from asking Twilio for sounds, and from sending it statistics.
export const localOptions = { publishEvents: false, sounds: localSounds() };

function localSounds() {
  const sounds = { incoming: '/sounds/ring.wav', outgoing: '/sounds/blip.wav', disconnect: '/sounds/blip.wav' };
  for (const key of '0123456789hs') {
    sounds[`dtmf${key}`] = '/sounds/blip.wav';
  }
  return sounds;
}

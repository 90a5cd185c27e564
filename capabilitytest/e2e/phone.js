// What a page does with the SDK, in the words of either version: no options, as in Twilio's quickstarts.

const { searchParams } = new URL(location.href);
const version = Number(location.pathname.slice(1));
const phone = { events: [], call: null, topic: null, messages: [] };

const log = (event, detail = '') => phone.events.push(`${event} ${detail}`.trim());
const fetchToken = async () => (await fetch(`/token${location.search}`)).text();

function take(call) {
  phone.call = call;
  for (const event of ['accept', 'disconnect', 'cancel', 'reject', 'ringing', 'reconnecting', 'reconnected']) {
    call.on(event, () => log(event));
  }
  for (const event of ['disconnect', 'cancel', 'reject']) {
    call.on(event, () => { phone.call = phone.call === call ? null : phone.call; });
  }
  call.on('error', (error) => log('call-error', error.code));
  call.on('messageReceived', ({ content }) => phone.messages.push(content));
}

phone.start = async () => {
  const device = phone.device = new Twilio.Device(await fetchToken());
  device.on('error', (error) => log('error', error.code));
  device.on('incoming', (call) => {
    take(call);
    phone.topic = call.customParameters.get('topic');
    log('incoming', call.parameters.From);
  });
  if (version === 1) {
    device.on('ready', () => log('registered'));
    device.on('offline', () => log('unregistered'));
  } else {
    device.on('tokenWillExpire', () => log('tokenWillExpire'));
    device.on('registered', () => log('registered'));
    device.on('unregistered', () => log('unregistered'));
    await device.register();
  }
};
phone.dial = async (to) => {
  const params = { To: to, topic: 'tea & cake' };
  take(version === 1 ? phone.device.connect(params) : await phone.device.connect({ params }));
};
phone.takeOver = async (connectToken) => take(await phone.device.connect({ connectToken }));
const renew = (token) => (version === 1 ? phone.device.setup(token) : phone.device.updateToken(token));
phone.renew = async () => renew(await fetchToken());
// SDK 2 registers again by itself only if it has not come back with the old token first.
phone.renewOnceRefused = async () => {
  const token = await fetchToken();
  phone.device.once('error', () => renew(token));
};
phone.busy = () => (version === 1 ? phone.device.status() === 'busy' : phone.device.isBusy);

phone.start().catch((error) => log('start', error.code));

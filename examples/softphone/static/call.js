// A call, and what has become of it. It wraps the call object of an SDK, which is the same in both as far as this page needs it.

const events = [
  'ringing', 'accept', 'reconnecting', 'reconnected', 'cancel', 'disconnect', 'reject', 'error',
  'transportClose', // without another event, 2.x gives up a call that rings when its socket closes
];

export class Call {
  // The listener is told each event that changes the call, and when there are new levels, until the signal is aborted.
  constructor(call, { changed, heard }, signal) {
    this.call = call;
    this.signal = signal;
    this.peer = (call.parameters.From ?? call.customParameters.get('To')).replace(/^client:/, '');
    this.incoming = call.parameters.From !== undefined;
    this.params = [...call.customParameters];
    this.since = null; // when it was answered, null if it was not
    this.levels = { input: 0, output: 0 };
    this.bytes = { sent: 0, received: 0 };
    this.hungUp = false; // by this page
    this.rejected = false; // by this page
    this.cancelled = false; // by the gateway, if it rings no longer: the caller gave up, or another device answered
    this.lost = false; // its connection, and it is not back yet
    this.explained = false; // an error has said why it came to nothing
    this.on('accept', () => { this.since = Date.now(); });
    this.on('reconnecting', () => { this.lost = true; });
    this.on('error', () => { this.lost = true; });
    this.on('reconnected', () => { this.lost = false; });
    // Of two devices that accept at once, both emit accept, and then one of them cancel.
    this.on('cancel', () => { this.cancelled = true; });
    this.on('volume', (input, output) => {
      this.levels = { input, output };
      heard();
    });
    this.on('sample', ({ totals }) => {
      this.bytes = { sent: totals.bytesSent ?? 0, received: totals.bytesReceived ?? 0 };
      heard();
    });
    for (const event of events) {
      this.on(event, () => changed(event));
    }
  }

  on(event, handle) {
    this.call.on(event, (...args) => this.signal.aborted || handle(...args));
  }

  // state is pending, connecting, ringing, open, reconnecting, or closed.
  get state() {
    return this.call.status();
  }

  // answered is true for a call that was answered and is not over, be it that its connection is away for a while.
  get answered() {
    return this.since !== null && ['open', 'reconnecting'].includes(this.state);
  }

  get muted() {
    return this.call.isMuted();
  }

  accept() {
    this.call.accept();
  }

  reject() {
    this.rejected = true;
    this.call.reject();
  }

  hangUp() {
    this.hungUp = true;
    this.call.disconnect();
  }

  toggleMute() {
    this.call.mute(!this.muted);
  }

  sendDigits(digits) {
    this.call.sendDigits(digits);
  }
}

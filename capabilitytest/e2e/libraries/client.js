// A client of Twilio's REST API that uses the stand-in if STANDIN_URL is set, and Twilio otherwise.
import twilio from 'twilio';

class StandinClient extends twilio.RequestClient {
  constructor(url) {
    super();
    this.url = url;
  }

  request(options) {
    return super.request({ ...options, uri: options.uri.replace('https://api.twilio.com', this.url) });
  }
}

export function newClient({ STANDIN_URL, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = process.env) {
  const httpClient = STANDIN_URL ? new StandinClient(STANDIN_URL) : undefined;
  return twilio(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, { httpClient });
}

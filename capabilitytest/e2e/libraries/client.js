// A client of Twilio's REST API that uses the stand-in if STANDIN_URL is set, and else Twilio.
import twilio from 'twilio';

const { STANDIN_URL, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = process.env;

class StandinClient extends twilio.RequestClient {
  request(options) {
    return super.request({ ...options, uri: options.uri.replace('https://api.twilio.com', STANDIN_URL) });
  }
}

export const client = twilio(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, {
  httpClient: STANDIN_URL ? new StandinClient() : undefined,
});

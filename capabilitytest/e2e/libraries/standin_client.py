# A client of Twilio's REST API that uses the stand-in if STANDIN_URL is set, and Twilio otherwise.
import os

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


class StandinClient(TwilioHttpClient):
    def request(self, method, url, *args, **kwargs):
        url = url.replace("https://api.twilio.com", os.environ["STANDIN_URL"])
        return super().request(method, url, *args, **kwargs)


client = Client(  # with TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN
    http_client=StandinClient() if "STANDIN_URL" in os.environ else None
)

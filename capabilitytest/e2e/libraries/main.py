# What the test asks of twilio-python. Prints what it found as JSON.
import datetime
import json
import os
import sys

from twilio.base.exceptions import TwilioRestException

from standin_client import client

office, url = sys.argv[1:]
found = {}

for _ in range(120):
    client.calls.create(to="client:nobody", from_=office, url=url)
calls = client.calls.list(to="client:nobody", page_size=50)
found["calls"] = len({call.sid for call in calls})
found["each"] = sum(1 for _ in client.calls.stream(page_size=7, limit=100))
call = client.calls(calls[0].sid).fetch()
found["call"] = [
    call.status,
    call.direction,
    isinstance(call.date_created, datetime.datetime),
    call.sid in call.subresource_uris["recordings"],
]
try:
    call.update(status="completed")
except TwilioRestException as e:
    found["error"] = [e.status, e.code, "https://www.twilio.com/docs/errors/%d" % e.code]
found["removed"] = call.delete()

queue = client.queues.create(friendly_name="shop", max_size=5)
found["queue"] = [queue.friendly_name, queue.max_size, len(client.queues(queue.sid).members.list()), queue.delete()]

participant = client.conferences("room").participants.create(from_=office, to="+15550100009", label="agent", beep="false")
joined = participant
while joined.status != "connected":
    joined = client.conferences(participant.conference_sid).participants("agent").fetch()
muted = joined.update(muted=True, hold=True)
found["participant"] = [joined.label, muted.muted, muted.hold, muted.delete()]
conference = client.conferences.list(friendly_name="room")[0]
found["conference"] = [conference.sid == participant.conference_sid, conference.friendly_name]

found["recordings"] = len(client.recordings.list())
number = client.incoming_phone_numbers.list(phone_number=office)[0]
found["number"] = [number.update(voice_url=url, friendly_name="desk").voice_url == url, number.capabilities["voice"]]
application = client.applications(os.environ["TWILIO_TWIML_APP_SID"]).update(voice_url=url, voice_method="GET")
found["application"] = [application.voice_url == url, application.voice_method]
print(json.dumps(found))

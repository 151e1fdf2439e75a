"""What is sent: inbound texts as SNS puts them on a queue, ten of them, repeated."""

from __future__ import annotations

import json

COUNT = 10


def bodies() -> list[str]:
    """Ten SQS message bodies, the same in every run and for every contestant."""
    return [_notification(number) for number in range(COUNT)]


def _notification(number: int) -> str:
    text = {
        "originationNumber": f"+1206555{number:04}",
        "destinationNumber": "+12065550199",
        "messageKeyword": "KEYWORD_111122223333",
        "messageBody": f"Yes, {number + 1} pm works for me \N{THUMBS UP SIGN} see you then",
        "inboundMessageId": f"cae173d2-66b9-564c-8309-21f858e9{number:04}",
        "previousPublishedMessageId": f"862a8790-60c0-4430-9b2b-658bd000{number:04}",
    }
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": f"5d0a1c7e-0001-5a11-9c2e-7be1a200{number:04}",
            "TopicArn": "arn:aws:sns:us-west-2:111122223333:inbound-sms",
            "Message": json.dumps(text),
            "Timestamp": "2026-11-20T13:28:24.860Z",
            "SignatureVersion": "1",
            "Signature": "c2lnbmF0dXJl" * 28,
            "SigningCertURL": "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0.pem",
            "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
        }
    )

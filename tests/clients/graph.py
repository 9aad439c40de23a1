"""Adds meetings to the demonstration's simulator through its Graph API, as any Graph client would."""

import requests


class Graph:
    """The simulator of a demonstration, by the details that the demonstration wrote."""

    def __init__(self, details):
        self.base = details["simulator_url"]
        answer = requests.post(
            f"{self.base}/{details['simulator_tenant']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": details["simulator_client_id"],
                "client_secret": details["simulator_client_secret"],
                "scope": "https://graph.microsoft.com/.default",
            },
            timeout=30,
        )
        answer.raise_for_status()
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def meet(self, mailbox, zone, start, end, subject):
        """One meeting, its times on the clock of the zone."""
        event = {
            "subject": subject,
            "start": {"dateTime": start, "timeZone": zone},
            "end": {"dateTime": end, "timeZone": zone},
        }
        answer = requests.post(
            f"{self.base}/v1.0/users/{mailbox}/events", json=event, headers=self.headers, timeout=30
        )
        assert answer.status_code == 201, answer.text

    def create(self, mailbox, event):
        answer = requests.post(f"{self.base}/v1.0/users/{mailbox}/events", json=event, headers=self.headers, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def change(self, mailbox, event, properties):
        url = f"{self.base}/v1.0/users/{mailbox}/events/{event}"
        answer = requests.patch(url, json=properties, headers=self.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, mailbox, event):
        url = f"{self.base}/v1.0/users/{mailbox}/events/{event}"
        answer = requests.delete(url, headers=self.headers, timeout=30)
        assert answer.status_code == 204, answer.text

    def automatic_replies(self, mailbox):
        url = f"{self.base}/v1.0/users/{mailbox}/mailboxSettings/automaticRepliesSetting"
        answer = requests.get(url, headers=self.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def set_automatic_replies(self, mailbox, replies):
        url = f"{self.base}/v1.0/users/{mailbox}/mailboxSettings"
        answer = requests.patch(url, json={"automaticRepliesSetting": replies}, headers=self.headers, timeout=30)
        assert answer.status_code == 200, answer.text

    def get(self, path, **parameters):
        """All pages of a collection below /v1.0."""
        url, values = f"{self.base}/v1.0/{path}", []
        while url:
            answer = requests.get(url, params=parameters, headers=self.headers, timeout=30)
            assert answer.status_code == 200, answer.text
            page, parameters = answer.json(), None
            values += page["value"]
            url = page.get("@odata.nextLink")
        return values

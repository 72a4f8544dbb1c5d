"""The services of Apprise that a channel may use, by the scheme of their address.

An allow-list: Apprise also knows schemes that reach into this machine (desktop notifications, syslog, serial lights)
or load code, and none of those may be one that a client of the API can name.
"""

from typing import Final

_PLUGINS: Final = {
    "betterstack.NotifyBetterStack": ("betterstack",),
    "brevo.NotifyBrevo": ("brevo",),
    "cliq.NotifyCliq": ("cliq", "zcliq", "zohocliq"),
    "custom_form.NotifyForm": ("form", "forms"),
    "custom_json.NotifyJSON": ("json", "jsons"),
    "custom_xml.NotifyXML": ("xml", "xmls"),
    "dingtalk.NotifyDingTalk": ("dingtalk",),
    "discord.NotifyDiscord": ("discord",),
    "email.NotifyEmail": ("mailto", "mailtos"),
    "feishu.NotifyFeishu": ("feishu",),
    "firehydrant.NotifyFireHydrant": ("firehydrant",),
    "flock.NotifyFlock": ("flock",),
    "goalert.NotifyGoAlert": ("goalert", "goalerts"),
    "google_chat.NotifyGoogleChat": ("gchat",),
    "gotify.NotifyGotify": ("gotify", "gotifys"),
    "home_assistant.NotifyHomeAssistant": ("hassio", "hassios"),
    "ifttt.NotifyIFTTT": ("ifttt",),
    "ilert.NotifyILert": ("ilert",),
    "incidentio.NotifyIncidentIO": ("incidentio",),
    "jira.NotifyJira": ("jira",),
    "lark.NotifyLark": ("lark",),
    "line.NotifyLine": ("line",),
    "mailgun.NotifyMailgun": ("mailgun",),
    "matrix.NotifyMatrix": ("matrix", "matrixs"),
    "mattermost.NotifyMattermost": ("mmost", "mmosts"),
    "nextcloudtalk.NotifyNextcloudTalk": ("nctalk", "nctalks"),
    "ntfy.NotifyNtfy": ("ntfy", "ntfys"),
    "office365.NotifyOffice365": ("azure", "o365"),
    "opsgenie.NotifyOpsgenie": ("opsgenie",),
    "pagerduty.NotifyPagerDuty": ("pagerduty",),
    "pagertree.NotifyPagerTree": ("pagertree",),
    "postmark.NotifyPostmark": ("postmark",),
    "pushbullet.NotifyPushBullet": ("pbul",),
    "pushover.NotifyPushover": ("pover",),
    "resend.NotifyResend": ("resend",),
    "rocketchat.NotifyRocketChat": ("rocket", "rockets"),
    "sendgrid.NotifySendGrid": ("sendgrid",),
    "ses.NotifySES": ("ses",),
    "signal_api.NotifySignalAPI": ("signal", "signals"),
    "signl4.NotifySIGNL4": ("signl4",),
    "slack.NotifySlack": ("slack",),
    "smtp2go.NotifySMTP2Go": ("smtp2go",),
    "sns.NotifySNS": ("sns",),
    "sparkpost.NotifySparkPost": ("sparkpost",),
    "spike.NotifySpike": ("spike",),
    "splunk.NotifySplunk": ("splunk", "victorops"),
    "squadcast.NotifySquadcast": ("squadcast",),
    "synology.NotifySynology": ("synology", "synologys"),
    "telegram.NotifyTelegram": ("tgram",),
    "twilio.NotifyTwilio": ("twilio",),
    "webexteams.NotifyWebexTeams": ("wxteams", "webex"),
    "wecombot.NotifyWeComBot": ("wecombot",),
    "workflows.NotifyWorkflows": ("workflow", "workflows"),
    "zoom.NotifyZoom": ("zoom",),
    "zulip.NotifyZulip": ("zulip",),
}
PLUGIN_OF_SCHEME: Final = {scheme: plugin for plugin, schemes in _PLUGINS.items() for scheme in schemes}
"""``module.Class`` under ``apprise.plugins``. Microsoft Teams is `workflows`: its own webhooks have ended."""


def scheme_of(url: str) -> str:
    return url.partition("://")[0].lower() if "://" in url else ""
